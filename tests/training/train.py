"""Learn the weights of the code finder from the labelled mail: `make train` does so.

The figures that it prints are honest: each message is judged by weights that were learnt without its language and, in
mail of no named language, without the messages beside it. `out_of_fold.txt` keeps these judgements; a test prints from
them how often a confidence is right.
"""

import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

sys.path.append(str(Path(__file__).resolve().parents[1]))

from support import labelled_mail

from fake_email import parse
from fake_email.findings import code_score, codes
from fake_email.html import text as html_text

FOLDS = 10
STRENGTH = 1.6  # of the data against weights near 0; from 0.8 to 2 these figures differ by less than 0.005
FAR = ("line above", "lines above", "line below", "lines below", "around", "whole", "subject")  # zones
FAR_SCALE = 0.35  # of a feature of a far zone: long mail has many words far from its code, and their weights add up
COMMON = 6  # candidates that have a feature with a weight, at least
LEAST = 0.01  # of a weight that is kept
BESIDE = 25  # messages of a group, where no language is named


class Candidate(NamedTuple):
    """A candidate: its value, its features, whether it is the code, its message and the group of that."""

    value: str
    features: frozenset[str]
    is_code: bool
    message: str
    group: str


def read() -> list[Candidate]:
    """All candidates of the labelled mail."""
    found: list[Candidate] = []
    for part in labelled_mail.PARTS:
        for number, mail in enumerate(labelled_mail.read(part)):
            group = f"{part} {number // BESIDE}" if part.startswith("short") else mail.name[:2]
            parsed = parse.parse(mail.content)
            texts = [parsed.text]
            if parsed.html is not None and b"text/plain" in mail.content:
                texts.append(html_text.render(parsed.html))
            for text in texts:
                weighed = codes.weigh(parsed.subject, text[: codes.CHARACTERS], parsed.html or "")
                found += [
                    Candidate(value, frozenset(features), value == mail.code, mail.name, group)
                    for _, (_, _, value), features, _ in weighed
                ]
                if any(each.candidate.value == mail.code for each in weighed):
                    break
    return found


def learn(candidates: Sequence[Candidate]) -> dict[str, float]:
    """The weight of each feature, and the bias."""
    counted = Counter(name for each in candidates for name in each.features)
    scale = {name: FAR_SCALE if name.startswith(FAR) else 1.0 for name, count in counted.items() if count >= COMMON}
    rows = [{name: scale[name] for name in each.features if name in scale} for each in candidates]
    vectorizer = DictVectorizer()
    model = LogisticRegression(C=STRENGTH, max_iter=5000)
    model.fit(vectorizer.fit_transform(rows), [each.is_code for each in candidates])
    names = vectorizer.get_feature_names_out()
    weights = {name: scale[name] * float(weight) for name, weight in zip(names, model.coef_[0], strict=True)}
    return {"bias": float(model.intercept_[0])} | weights


def judge(candidates: Sequence[Candidate]) -> list[float]:
    """The likelihood of each candidate, by weights that were learnt without its group."""
    judged = [0.0] * len(candidates)
    groups = [each.group for each in candidates]
    for known, unknown in GroupKFold(FOLDS, shuffle=True, random_state=1).split(groups, groups=groups):
        weights = learn([candidates[at] for at in known])
        for at in unknown:
            judged[at] = code_score.likelihood(candidates[at].features, weights)
    return judged


def slope(candidates: Sequence[Candidate], judged: Iterable[float]) -> tuple[float, float]:
    """The factor and the summand that make sums of weights as sure as they are right (Platt's scaling)."""
    model = LogisticRegression(C=100.0)
    model.fit([[math.log(each / (1 - each))] for each in judged], [each.is_code for each in candidates])
    return float(model.coef_[0][0]), float(model.intercept_[0])


def main() -> None:
    """Learn the weights, and write them and the judgement of the best candidate of each message."""
    candidates = read()
    best: dict[str, tuple[float, Candidate]] = {}
    judged = judge(candidates)
    for each, likelihood in zip(candidates, judged, strict=True):
        if each.message not in best or best[each.message][0] < likelihood:
            best[each.message] = (likelihood, each)
    factor, summand = slope([each for _, each in best.values()], [likelihood for likelihood, _ in best.values()])
    weights = {name: factor * weight for name, weight in learn(candidates).items()}
    weights["bias"] += summand
    lines = [f"{weight:.2f} {name}" for name, weight in sorted(weights.items()) if abs(weight) >= LEAST]
    Path(str(code_score.FILE)).write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = [
        f"{1 / (1 + (likelihood / (1 - likelihood)) ** -factor * math.exp(-summand)):.2f}\t{each.value}\t{name}\n"
        for name, (likelihood, each) in best.items()
    ]
    labelled_mail.OUT_OF_FOLD.write_text("".join(rows), encoding="utf-8")
    sys.stdout.write(
        f"{len(candidates)} candidates, {len(lines)} weights, factor {factor:.2f}, summand {summand:.2f}\n"
    )


if __name__ == "__main__":
    main()

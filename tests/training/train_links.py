"""Learn the weights of the kinds of links from the labelled mail: `make train` does so.

The figures that it prints are honest: the links of each part of the mail, and of each language of the whole mail, are
judged by weights that were learnt without that part. `links_out_of_fold.txt` keeps how often each kind was given.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

sys.path.append(str(Path(__file__).resolve().parents[1]))

from support import labelled_mail
from support.labelled_mail import Labelled

from fake_email import parse
from fake_email.findings import link_features, link_score, links
from fake_email.parsed_message import LinkKind

STRENGTH = 1.0  # of the data against weights near 0; from 0.3 to 2 these figures differ by less than 0.02
COMMON = 4  # links that have a feature with a weight, at least
LEAST = 0.01  # of a weight that is kept
OF_SHORT_MAIL = 1.0  # what a link counts in mail of two lines, in which nearly each is for an account


class Example(NamedTuple):
    """A link of labelled mail: its features, its kind, and the group of mail that it is in."""

    features: frozenset[str]
    kind: str
    group: str
    name: str

    @property
    def is_whole(self) -> bool:
        return self.group.startswith("whole")


def examples(part: str, mail: Sequence[Labelled]) -> Iterator[Example]:
    """The links of a part of the labelled mail."""
    for each in mail:
        parsed = parse.parse(each.content)
        found = links.read(parsed.html, parsed.text)
        for link, features in link_features.weigh(parsed.subject, found, has_code=bool(parsed.codes)):
            if link.url in each.links:
                group = f"{part} {each.name[:2]}" if part in labelled_mail.WHOLE else part
                yield Example(frozenset(features), each.links[link.url], group, f"{each.name} {link.url}")


def read() -> list[Example]:
    """All links of the labelled mail."""
    mail = {part: labelled_mail.read(part) for part in ("known", "apart", *labelled_mail.WHOLE)}
    mail |= {name: labelled_mail.read_link_mail(name) for name in labelled_mail.LINK_MAIL}
    alone = [
        Example(frozenset(features), kind, "links", f"{kind} {text}{html}")
        for kind, text, html in labelled_mail.read_links()
        for _, features in link_features.weigh("", links.read(html or None, text), has_code=False)
    ]
    return [example for part, of_part in mail.items() for example in examples(part, of_part)] + alone


def learn(known: Sequence[Example]) -> dict[str, tuple[float, ...]]:
    """The weights of each feature, and of the bias, for each kind of link."""
    known = [each for each in known if each.features]
    counted = Counter(name for each in known for name in each.features)
    rows = [{name: 1.0 for name in each.features if counted[name] >= COMMON} for each in known]
    vectorizer = DictVectorizer()
    model = LogisticRegression(C=STRENGTH, max_iter=5000)
    counts = [1.0 if each.is_whole else OF_SHORT_MAIL for each in known]
    model.fit(vectorizer.fit_transform(rows), [each.kind for each in known], sample_weight=counts)
    order = [list(model.classes_).index(kind) for kind in link_score.KINDS]
    columns = zip(vectorizer.get_feature_names_out(), model.coef_.T[:, order], strict=True)
    return {"bias": tuple(map(float, model.intercept_[order]))} | {
        name: tuple(map(float, row)) for name, row in columns if max(map(abs, row)) >= LEAST
    }


def kind(example: Example, weights: link_score.Weights) -> LinkKind:
    """The kind that these weights give a link."""
    return link_score.kind(example.features, weights) if example.features else "other"


def judge(everything: Sequence[Example]) -> list[tuple[Example, LinkKind]]:
    """Each link with the kind that it has by weights that were learnt without its group."""
    judged: list[tuple[Example, LinkKind]] = []
    for group in {each.group: None for each in everything}:
        weights = learn([each for each in everything if each.group != group])
        judged += [(each, kind(each, weights)) for each in everything if each.group == group]
    return judged


def main() -> None:
    """Learn the weights, and write them and how often each kind was given to links of each kind."""
    everything = read()
    judged = judge(everything)
    for title, pairs in (
        ("all", Counter((each.kind, str(given)) for each, given in judged)),
        ("whole mail", Counter((each.kind, str(given)) for each, given in judged if each.is_whole)),
    ):
        sys.stdout.writelines(
            f"{title}, {each}: precision {right / given:.3f}, recall {right / labelled:.3f} of {labelled}\n"
            for each, right, given, labelled in labelled_mail.figures_of_kinds(pairs)
        )
    if "-v" in sys.argv:
        sys.stdout.writelines(
            f"{each.kind} -> {given}: {each.name}\n" for each, given in judged if each.is_whole and each.kind != given
        )
    counts = sorted(Counter((each.kind, given) for each, given in judged if each.is_whole).items())
    rows = "".join(f"{labelled}\t{given}\t{count}\n" for (labelled, given), count in counts)
    labelled_mail.LINKS_OUT_OF_FOLD.write_text(rows, encoding="utf-8")
    weights = learn(everything)
    lines = [f"{' '.join(f'{weight:.2f}' for weight in row)} {name}" for name, row in sorted(weights.items())]
    Path(str(link_score.FILE)).write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(everything)} links, {len(lines)} features with weights\n")


if __name__ == "__main__":
    main()

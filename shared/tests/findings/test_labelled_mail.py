"""The precision and recall of the first code and of the kinds of links, over labelled mail; what confidence means."""

import functools
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import pytest
from support import labelled_mail
from support.labelled_mail import Labelled

from fake_email import parse
from fake_email.findings import links

LEAST = 0.98
LEAST_OF_KIND = {"link_mail": 0.98, "whole": 0.93}
LEAST_OF_KIND_UNSEEN = {"verify": 0.84, "reset": 0.92, "login": 0.88, "unsubscribe": 0.9}
LEAST_UNSEEN = 0.95  # of codes in mail that the weights were not learnt from
OVER, UNDER = 0.05, 0.15  # between a confidence and how often it is right: few messages have a low confidence
ENOUGH = 0.5  # confidence of a code
BOUNDS = (0.5, 0.8, 0.9, 0.97, 1.01)


def figures(right: int, found: int, labelled: int) -> str:
    return f"precision {right / found:.4f} ({right}/{found}), recall {right / labelled:.4f} ({right}/{labelled})"


def codes_of(mail: Sequence[Labelled]) -> tuple[int, int, int, list[str]]:
    """The numbers of right, found and labelled codes, and a line for each wrong one."""
    first = {each.name: labelled_mail.first_code(parse.parse(each.content)) for each in mail}
    wrong = [f"{each.name}: {first[each.name]} for {each.code}" for each in mail if first[each.name] != each.code]
    right = sum(first[each.name] == each.code != "none" for each in mail)
    return right, sum(code != "none" for code in first.values()), sum(each.code != "none" for each in mail), wrong


def links_of(mail: Sequence[Labelled]) -> tuple[int, int, int]:
    """The numbers of links with the right kind, with any kind, and with a label."""
    labelled = [each for each in mail if each.links]
    kinds = [
        {link.url: link.kind for link in parse.parse(each.content).links if link.kind != "other"} for each in labelled
    ]
    right = sum(len(of_one.items() & each.links.items()) for of_one, each in zip(kinds, labelled, strict=True))
    return right, sum(map(len, kinds)), sum(len(each.links) for each in labelled)


@pytest.mark.timeout(300)  # it reads some 2,500 messages, which takes long on a busy machine
def test_codes_are_found_in_the_labelled_mail(capsys: pytest.CaptureFixture[str]) -> None:
    parts = {part: codes_of(labelled_mail.read(part)) for part in labelled_mail.PARTS}
    right, found, labelled = (sum(column) for column in zip(*(part[:3] for part in parts.values()), strict=True))
    wrong = [each for part in parts.values() for each in part[3]]

    with capsys.disabled():
        for name, part in parts.items():
            sys.stdout.write(f"\ncodes, {name}: {figures(*part[:3])}")
        sys.stdout.write(f"\ncodes, all: {figures(right, found, labelled)}")
    assert right / found >= LEAST, wrong
    assert right / labelled >= LEAST, wrong


def test_codes_are_found_at_first_sight(capsys: pytest.CaptureFixture[str]) -> None:
    right, found, labelled, wrong = codes_of(labelled_mail.read(labelled_mail.UNSEEN))

    with capsys.disabled():
        sys.stdout.write(f"\ncodes, {labelled_mail.UNSEEN}, at first sight: {figures(right, found, labelled)}")
    assert right / found >= LEAST, wrong
    assert right / labelled >= LEAST, wrong


@functools.cache
def judged_unseen() -> list[tuple[float, str, str]]:
    """The best confidence, its code and the right code of each labelled message, by weights of other mail."""
    right = {each.name: each.code for part in labelled_mail.PARTS for each in labelled_mail.read(part)}
    rows = [line.split("\t") for line in labelled_mail.OUT_OF_FOLD.read_text(encoding="utf-8").splitlines()]
    judged = {name: (float(confidence), value) for confidence, value, name in rows}
    assert judged.keys() <= right.keys(), "make train"
    return [(*judged.get(name, (0.0, "none")), code) for name, code in right.items()]


def test_codes_are_found_in_mail_that_the_weights_were_not_learnt_from(capsys: pytest.CaptureFixture[str]) -> None:
    judged = judged_unseen()

    right = sum(confidence >= ENOUGH and value == code for confidence, value, code in judged)
    found = sum(confidence >= ENOUGH for confidence, _, _ in judged)
    labelled = sum(code != "none" for _, _, code in judged)
    with capsys.disabled():
        sys.stdout.write(f"\ncodes, unseen, {len(judged)} messages: {figures(right, found, labelled)}")
    assert right / found >= LEAST_UNSEEN
    assert right / labelled >= LEAST_UNSEEN


def test_a_confidence_is_the_part_that_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    judged = judged_unseen()

    with capsys.disabled():
        for least, most in itertools.pairwise(BOUNDS):
            inside = [(confidence, value == code) for confidence, value, code in judged if least <= confidence < most]
            said, right = (sum(column) / len(inside) for column in zip(*inside, strict=True))
            sys.stdout.write(f"\ncodes, confidence {said:.2f}: {right:.2f} of {len(inside)} are right")
            assert -UNDER <= said - right <= OVER


def test_links_of_the_labelled_mail_have_the_right_kind(capsys: pytest.CaptureFixture[str]) -> None:
    parts = {part: labelled_mail.read(part) for part in ("known", "apart")}
    everything = [each for mail in parts.values() for each in mail]

    with capsys.disabled():
        for name, mail in {**parts, "all": everything}.items():
            right, found, labelled = links_of(mail)
            sys.stdout.write(f"\nlinks, {name}: {figures(right, found, labelled)}")
    right, found, labelled = links_of(everything)

    assert right / found >= LEAST
    assert right / labelled >= LEAST


def whole_mail() -> Iterator[Labelled]:
    return (each for name in labelled_mail.WHOLE for each in labelled_mail.read(name))


def link_mail() -> Iterator[Labelled]:
    return (each for name in labelled_mail.LINK_MAIL for each in labelled_mail.read_link_mail(name))


def kinds_of(mail: Iterable[Labelled]) -> Counter[tuple[str, str]]:
    """The number of links for each pair of a label and the kind that was found."""
    pairs: Counter[tuple[str, str]] = Counter()
    for each in mail:
        found = {link.url: link.kind for link in parse.parse(each.content).links}
        pairs.update((kind, found[url]) for url, kind in each.links.items())
    return pairs


@pytest.mark.parametrize("part", ["link_mail", "whole"])
def test_links_of_mail_in_28_languages_have_the_right_kind(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = kinds_of(whole_mail() if part == "whole" else link_mail())

    for kind, right, found, labelled in labelled_mail.figures_of_kinds(pairs):
        with capsys.disabled():
            sys.stdout.write(f"\nlinks, {part}, {kind}: {figures(right, found, labelled)}")
        assert right >= LEAST_OF_KIND[part] * max(found, labelled)


def test_links_have_the_right_kind_in_mail_that_the_weights_were_not_learnt_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [line.split("\t") for line in labelled_mail.LINKS_OUT_OF_FOLD.read_text(encoding="utf-8").splitlines()]
    pairs = {(labelled, given): int(count) for labelled, given, count in rows}

    assert sum(pairs.values()) == sum(kinds_of(whole_mail()).values()), "make train"
    for kind, right, found, labelled in labelled_mail.figures_of_kinds(pairs):
        with capsys.disabled():
            sys.stdout.write(f"\nlinks, whole mail, unseen, {kind}: {figures(right, found, labelled)}")
        assert right >= LEAST_OF_KIND_UNSEEN[kind] * max(found, labelled)


def test_links_have_the_right_kind_by_the_words_of_each_language(capsys: pytest.CaptureFixture[str]) -> None:
    labelled = labelled_mail.read_links()

    kinds = [links.find(html or None, text)[0].kind for _, text, html in labelled]
    wrong = [(each, kind) for each, kind in zip(labelled, kinds, strict=True) if kind != each[0]]

    with capsys.disabled():
        sys.stdout.write(f"\nlinks, by themselves: {len(kinds) - len(wrong)} of {len(kinds)}")
    assert len(wrong) <= (1 - LEAST) * len(kinds), wrong


@pytest.mark.parametrize("part", ["known", "apart"])
def test_each_language_has_mail_with_a_code_and_without_one(part: str) -> None:
    mail = labelled_mail.read(part)

    for language in labelled_mail.LANGUAGES:
        codes = [each.code for each in mail if each.name.startswith(f"{language}:")]
        assert 0 < codes.count("none") < len(codes)

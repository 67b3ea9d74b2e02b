"""The effect of tags is remembered for each nesting: this changes no text, and is bounded."""

import itertools
import random

import pytest

from fake_email.findings import links
from fake_email.html import nestings, text

_PIECES = (
    *("<table>", "<tr>", "<td>", "<td align=right>", "</td>", "</tr>", "</table>", "<div>", "</div>", "<p>", "</p>"),
    *("<ul>", "<ol>", "<li>", "</li>", "</ol>", "</ul>", "<pre>", "</pre>", "<br>", "<h1>", "</h1>", "<b>", "</b>"),
    *("<div style='font-size:0'>", "<div style='font-size:9px'>", "<p style='display:none'>", "<td hidden>"),
    *("<span style='display:block'>", "</span>", "<a href='https://a.test/'>", "<a name=x>", "</a>", "<img alt=x>"),
    *('<a href="https://a.test/">a.test</a>', '<a href="/b" style="color:red">b</a>', '<img alt="y" src="z">'),
    *("<!-- c -->", "<style>", "</style>", "one", " two", "three ", " ", "\n", "&amp;", "< 5"),
)


def _told_apart(pieces: list[str]) -> str:
    """The same document, but no two of its tags are equal, so that none is known."""
    return "".join(
        piece.replace(">", f" data-n={number}>", 1) if piece[0] == "<" and piece[1] not in "! " else piece
        for number, piece in enumerate(pieces)
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_same_tags_have_the_same_text_whether_they_are_known_or_not(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        few = chance.sample(_PIECES, 9)
        phrases = [chance.choices(few, k=3) for _ in range(4)]
        choices = chance.choices([*([each] for each in few), *phrases], k=chance.choice((12, 100)))
        pieces = list(itertools.chain.from_iterable(choices))
        known, apart = "".join(pieces), _told_apart(pieces)

        assert text.render(known) == text.render(apart)
        read = text.read(known)
        assert links.find(known, read.text, "", read.link_tags) == links.find(apart, read.text)


def test_all_that_is_remembered_of_tags_is_bounded() -> None:
    before = nestings.known(has_sheets=False)
    for number in range(nestings.MOVES // 50):
        text.render("".join(f"<b id='{number}.{each}'>x</b>" for each in range(60)))

    assert nestings.known(has_sheets=False) is not before


def test_a_new_place_is_not_remembered_past_the_bound() -> None:
    remembered = nestings.known(has_sheets=True)
    for number in range(nestings.NESTINGS // 40):
        text.render(f"<style></style>{'<i>' * number}" + "<b>x<u>x<s>x<q>x" * 15)

    assert nestings.known(has_sheets=True) is not remembered

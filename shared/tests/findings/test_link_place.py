"""The words around a link, in HTML and in text, and what looks like a button."""

import pytest

from fake_email.findings import link_place

LINK = "<a href='https://x.test/'>Go</a>"


def place(before: str, after: str = "") -> link_place.Place:
    markup = f"{before}{LINK}{after}"
    return link_place.of_html(markup, markup.index(LINK))


@pytest.mark.parametrize(
    ("before", "beside", "above"),
    [
        ("<p>Hello Ann.</p><p>To confirm it, ", "to confirm it,", "hello ann."),
        ("<p>Thank you. To <b>confirm</b> it, ", "to confirm it,", "thank you."),
        ("<td>Hello Ann.</td></tr><tr><td>", "", "hello ann."),
        ("<p>ありがとう。確認は<br>", "", "ありがとう。確認は"),
        ("<p>ありがとう。確認は", "確認は", "ありがとう。"),
    ],
)
def test_the_words_of_its_sentence_stand_beside_a_link_and_others_above_it(
    before: str, beside: str, above: str
) -> None:
    found = place(before)

    assert (found.beside.strip(), found.above.strip()) == (beside, above)


@pytest.mark.parametrize(
    ("after", "words"),
    [(" to confirm it. Bye.", "to confirm it"), ("</p><p>Bye", ""), (" <i>now</i> or", "now or")],
)
def test_the_words_behind_a_link_end_with_its_sentence_and_its_block(after: str, words: str) -> None:
    assert place("<p>", after).after == words


def test_a_url_of_text_has_the_words_of_its_line_beside_it() -> None:
    text = "Hello Ann.\n\nConfirm it here: https://x.test/a now.\nBye."
    start = text.index("https")

    found = link_place.of_text(text, start, start + len("https://x.test/a"))

    assert [found.above.strip(), found.beside.strip(), found.after.strip()] == [
        "hello ann.",
        "confirm it here:",
        "now.",
    ]


@pytest.mark.parametrize(
    ("before", "attribute", "button"),
    [
        ("<p>", "class='btn btn-primary'", "button"),
        ("<p>", "style='display:block;padding:12px'", "button"),
        ("<td bgcolor='#0066cc' align=center> ", "", "cell"),
        ("<p bgcolor='#0066cc'>Or ", "", ""),
        ("<p>", "style='color:#06c'", ""),
    ],
)
def test_a_button_is_told_by_its_own_style_or_that_of_its_cell(before: str, attribute: str, button: str) -> None:
    markup = f"{before}<a {attribute} href='https://x.test/'>Go</a>"

    assert link_place.of_html(markup, markup.index("<a ")).button == button


def test_each_zone_is_bounded() -> None:
    found = place("<p>" + "a " * 100_000, " b" * 100_000)

    assert max(map(len, found)) <= 160

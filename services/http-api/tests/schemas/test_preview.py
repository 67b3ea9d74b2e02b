"""The preview of a message: one line, without quoted text and without what only fills space."""

import pytest

from http_api.schemas.preview import PREVIEW_CHARACTERS, preview


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Your code is 482913.\n\nIt is good for ten minutes.\n", "Your code is 482913. It is good for ten minutes."),
        ("50% off \u034f\u200c\u00a0\u034f\u200c\u00a0\u034f Hello Ann", "50% off Hello Ann"),
        ("Confirm <https://example.com/verify?t=Qm9w> your address", "Confirm your address"),
        ("See https://example.com/a for more", "See for more"),
        ("Thanks!\n\nOn 1 Jan 2026 at 10:02, Ann <ann@example.com> wrote:\n> Hello\n>\n> Bye\n", "Thanks!"),
        ("> only a quotation", ""),
        ("News\n--------\n\nHello", "News Hello"),
        ("1 > 0 and a-b", "1 > 0 and a-b"),
        ("\u60a8\u7684\u9a8c\u8bc1\u7801\u662f 482913", "\u60a8\u7684\u9a8c\u8bc1\u7801\u662f 482913"),
    ],
)
def test_a_preview_shows_what_the_message_says_first(text: str, shown: str) -> None:
    assert preview(text) == shown


def test_a_long_text_ends_at_a_word_with_an_ellipsis() -> None:
    shown = preview("word " * 100)
    assert len(shown) <= PREVIEW_CHARACTERS
    assert shown.endswith("word\u2026")


def test_a_word_longer_than_a_preview_is_cut() -> None:
    assert preview("x" * 1_000) == "x" * (PREVIEW_CHARACTERS - 1) + "\u2026"


@pytest.mark.parametrize("hostile", [">", "> @:\n", "http://", "-", "\u200b", "@:\n\n", "a@10:10:\n", " "])
def test_a_hostile_start_of_a_text_takes_no_long_search(hostile: str) -> None:
    assert len(preview((hostile * 2_000)[:2_000])) <= PREVIEW_CHARACTERS

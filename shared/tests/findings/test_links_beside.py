"""The words of links beside the main one, and of notices, in each language."""

from collections.abc import Callable
from importlib import resources

import pytest

from fake_email.findings import links_beside

FILES = {
    file.name.removesuffix(".txt"): file.read_text(encoding="utf-8")
    for file in resources.files("fake_email.findings").joinpath("beside_lexicon").iterdir()
}
FOUND: dict[str, Callable[[str], bool]] = {"aside": links_beside.is_aside, "notice": links_beside.is_notice}


def test_there_are_28_languages() -> None:
    assert len(FILES) == 28


@pytest.mark.parametrize("language", sorted(FILES))
def test_each_word_of_a_language_is_found_within_a_sentence(language: str) -> None:
    lines = [line.partition(": ") for line in FILES[language].splitlines()]

    assert {kind for kind, _, _ in lines} == FOUND.keys()
    assert all(FOUND[kind](f"x {word.strip('*!')} y") for kind, _, words in lines for word in words.split(", "))


def test_a_word_within_another_word_is_not_found() -> None:
    assert not links_beside.is_aside("ashopper")

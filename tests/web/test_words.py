"""The words of the page: each language has all of them, and each problem of the API has a sentence."""

import json
import re
from pathlib import Path

import page as page_build
import pytest

from http_api.protocol.problems import ProblemType

_FILES = sorted((Path(page_build.WEB) / "src" / "words").glob("*.json"))
_ENGLISH: dict[str, object] = json.loads((Path(page_build.WEB) / "src" / "words" / "en.json").read_text())


def _values(text: object) -> set[str]:
    return set(re.findall(r"\{\w+\}", json.dumps(text)))


@pytest.mark.parametrize("file", _FILES, ids=lambda file: str(file.stem))
def test_a_language_has_all_words_with_the_same_values(file: Path) -> None:
    words: dict[str, object] = json.loads(file.read_text())

    assert {name: _values(text) for name, text in words.items()} == {
        name: _values(text) for name, text in _ENGLISH.items()
    }


@pytest.mark.parametrize("problem", ProblemType, ids=lambda problem: str(problem.code))
def test_each_problem_of_the_api_has_a_sentence(problem: ProblemType) -> None:
    assert f"problem_{problem.code}" in _ENGLISH


def test_each_word_is_used() -> None:
    sources = "".join(
        path.read_text()
        for path in (Path(page_build.WEB) / "src").rglob("*")
        if path.suffix in {".svelte", ".ts"} and path.is_file()
    )
    # `t(`status_${status}`)` and the like name their words by a prefix.
    prefixes = tuple(re.findall(r"`(\w+_)\$\{", sources))

    assert [
        name
        for name in _ENGLISH
        if f'"{name}"' not in sources and f"'{name}'" not in sources and not name.startswith(prefixes)
    ] == []

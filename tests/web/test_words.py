"""The words of the page: each language has all of them, and each problem of the API has a sentence."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import page as page_build
import pytest

from http_api.protocol.problems import ProblemType

_SOURCES = Path(page_build.WEB) / "src"
_FILES = sorted((_SOURCES / "words").glob("*.json"))
_ENGLISH: dict[str, dict[str, object]] = json.loads((_SOURCES / "words" / "en.json").read_text())
_ALL = {name: text for group in _ENGLISH.values() for name, text in group.items()}


def _values(text: object) -> set[str]:
    return set(re.findall(r"\{\w+\}", json.dumps(text)))


@pytest.mark.parametrize("file", _FILES, ids=lambda file: str(file.stem))
def test_a_language_has_all_words_with_the_same_values(file: Path) -> None:
    words: dict[str, dict[str, object]] = json.loads(file.read_text())

    assert {group: {name: _values(text) for name, text in texts.items()} for group, texts in words.items()} == {
        group: {name: _values(text) for name, text in texts.items()} for group, texts in _ENGLISH.items()
    }


@pytest.mark.parametrize("problem", ProblemType, ids=lambda problem: str(problem.code))
def test_each_problem_of_the_api_has_a_sentence(problem: ProblemType) -> None:
    assert f"problem_{problem.code}" in _ALL


def test_each_word_is_used() -> None:
    sources = (path for path in _SOURCES.rglob("*") if path.suffix in {".svelte", ".ts"} and path.is_file())

    assert _unused(_ALL, sources) == []


def test_the_words_of_the_first_view_are_used_there_and_those_for_later_are_not() -> None:
    first = _imported(_SOURCES / "main.ts")

    assert _unused(_ENGLISH["first"], first) == []
    assert [path.name for path in first if "tLater" in path.read_text() and path.name != "words.svelte.ts"] == []


def _unused(words: Iterable[str], files: Iterable[Path]) -> list[str]:
    """The words that no file names."""
    sources = "".join(path.read_text() for path in files)
    # `t(`status_${status}`)` and the like name their words by a prefix.
    prefixes = tuple(re.findall(r"`(\w+_)\$\{", sources))
    return [
        name
        for name in words
        if f'"{name}"' not in sources and f"'{name}'" not in sources and not name.startswith(prefixes)
    ]


def _imported(file: Path) -> set[Path]:
    """The source files that this one imports, directly or not, without `import()`; itself too."""
    found: set[Path] = set()
    pending = [file]
    while pending:
        path = pending.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        names = re.findall(r'^\s*import (?!type)(?:[^"]* from )?"(\.[^"]+)"', path.read_text(), re.MULTILINE)
        pending += [(path.parent / f"{name}{suffix}").resolve() for name in names for suffix in ("", ".ts")]
    return found

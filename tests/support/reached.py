"""Every test file is run by `make test` or by another target of the Makefile, and every test by its own id."""

import os
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from support.allowed_skips import ALLOWED


class ReachedCheck:
    """A pytest plugin that fails a run of the whole suite which misses a test file, and a run which misses a test."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        wrong = list(_of_the_same_id(items))
        if config.args == config.getini("testpaths") and not config.getoption("lf"):  # the whole suite
            elsewhere = _run_elsewhere(config.rootpath)
            wrong += _missed(config, elsewhere, {item.path for item in items})
            wrong += _of_no_test(elsewhere, items)
        if wrong:
            config.hook.pytest_collectreport(
                report=pytest.CollectReport(nodeid="the suite", outcome="failed", longrepr="\n".join(wrong), result=[])
            )


def _of_the_same_id(items: list[pytest.Item]) -> Iterator[str]:
    """The ids of several tests: pytest-xdist runs only one of these."""
    for nodeid, number in Counter(item.nodeid for item in items).items():
        if number > 1:
            yield f"{nodeid}: the id of {number} tests"


def _run_elsewhere(root: Path) -> list[str]:
    """The directories, relative to the root, that other targets of the Makefile give to pytest."""
    lines = (root / "Makefile").read_text().splitlines()
    words = [word for line in lines if "/bin/pytest " in line for word in line.split()]
    return [f"{word}/" for word in words if (root / word).is_dir()]


def _missed(config: pytest.Config, elsewhere: list[str], collected: set[Path]) -> Iterator[str]:
    for path in _test_files(config.rootpath, config.getini("python_files")):
        name = path.relative_to(config.rootpath).as_posix()
        if path not in collected and not name.startswith(tuple(elsewhere)):
            yield f"{name}: no target of the Makefile runs a test of this file"


def _test_files(root: Path, patterns: list[str]) -> Iterator[Path]:
    for directory, directories, names in os.walk(root):
        directories[:] = [each for each in directories if not each.startswith(".")]
        for name in names:
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                yield Path(directory, name)


def _of_no_test(elsewhere: list[str], items: list[pytest.Item]) -> Iterator[str]:
    for each in ALLOWED:
        if not each.tests.startswith(tuple(elsewhere)) and not any(fnmatchcase(i.nodeid, each.tests) for i in items):
            yield f"{each.tests}: an allowed skip of no test"

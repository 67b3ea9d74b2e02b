"""The quick tests: those that start no process and use no database, and the tests that carry the marker themselves.

Files that have no other tests run last.
"""

import inspect
import socket
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import psycopg
import pytest

# Our own code that uses one of these modules starts a process, or speaks to one.
_OUTSIDE = (psycopg, socket, socketserver, subprocess)
_EVENTS = {"os.exec", "os.fork", "os.posix_spawn", "os.system", "socket.connect", "subprocess.Popen"}
_ROOT = Path(__file__).parents[2]
_is_pure = pytest.StashKey[bool]()


class Quick:
    """A pytest plugin that marks the pure tests `quick`, and holds them to it in a run of these alone."""

    def __init__(self) -> None:
        self._known: dict[type | FunctionType, bool] = {}
        self._forbids = False

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line(
            "markers", "quick: in `make test-quick`; tests that need no process have it by themselves"
        )
        if config.option.markexpr == "quick":
            sys.addaudithook(self._audit)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            item.stash[_is_pure] = isinstance(item, pytest.Function) and not self._needs_more(item)
            if item.stash[_is_pure]:
                item.add_marker("quick")
        # Pure tests never wait: at the end of a run they keep every core busy, which files that wait would not.
        waiting = {item.path for item in items if not item.stash[_is_pure]}
        items.sort(key=lambda item: item.path not in waiting)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._forbids = item.stash[_is_pure]
        try:
            return (yield)
        finally:
            self._forbids = False

    def _audit(self, event: str, _arguments: tuple[object, ...]) -> None:
        if self._forbids and event in _EVENTS:
            self._forbids = False  # what tells of the failure may use anything
            raise AssertionError(f"{event} in a test that tests/support/quick.py takes for a pure one")

    def _needs_more(self, test: pytest.Function) -> bool:
        fixtures = test._fixtureinfo.name2fixturedefs.values()  # noqa: SLF001  # it has no public name
        parameters = test.callspec.params.values() if hasattr(test, "callspec") else ()
        if "pytester" in test.fixturenames:  # it runs pytest
            return True
        return any(map(self._reaches_out, (test.function, *(every[-1].func for every in fixtures), *parameters)))

    def _reaches_out(self, thing: object) -> bool:
        """True for a module of `_OUTSIDE`, and for a function or class of the tests that names one, even indirectly."""
        if isinstance(thing, ModuleType):
            return thing in _OUTSIDE
        thing = inspect.unwrap(thing) if callable(thing) else thing
        if not isinstance(thing, type | FunctionType):
            return False
        if isinstance(thing, type) and _is_outside(thing):
            return True
        if thing not in self._known:
            self._known[thing] = False  # for functions that name each other
            self._known[thing] = any(map(self._reaches_out, _named(thing)))
        return self._known[thing]


def _is_outside(thing: type) -> bool:
    """True for a server of the standard library, and for a class of a package whose module starts a process."""
    module = sys.modules.get(thing.__module__)
    starts_process = vars(module).get("subprocess") is subprocess if module else False
    return issubclass(thing, socketserver.BaseServer) or (starts_process and not _is_ours(module))


def _named(thing: type | FunctionType) -> Iterator[object]:
    """The modules, functions and classes that a function or class of the tests names."""
    if isinstance(thing, type):
        if _is_ours(sys.modules.get(thing.__module__)):
            yield from vars(thing).values()
    elif _is_ours(thing.__code__):
        names = set(_names(thing.__code__))
        for each in (thing.__globals__.get(name) for name in names):
            yield each
            if isinstance(each, ModuleType) and _is_ours(each):
                yield from (vars(each)[name] for name in names & vars(each).keys())


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _names(each)


def _is_ours(part: ModuleType | CodeType | None) -> bool:
    """True for code of the tests or of their support, false for code of a package."""
    file = part.co_filename if isinstance(part, CodeType) else getattr(part, "__file__", None)
    path = Path(file or "/")
    return path.is_relative_to(_ROOT) and not {".venv", "site-packages", "src"} & set(path.parts)

"""The log events of our sources, read from their syntax trees: name, level, and all fields."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from fake_email.storage.purge_batch import Purged

# structlog's methods, and the level that each of them logs at.
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
}
LOGGER = re.compile(r"(?:\w*_)?log")
# The events whose fields are those of a struct, given as `**asdict(…)`.
SPREAD = {"mailboxes_purged": set(Purged.__struct_fields__)}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event at one level; `places` says where the source logs it, or where the page describes it."""

    name: str
    level: str
    fields: frozenset[str]
    places: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.level


Events = dict[tuple[str, str], Event]


def merged(events: Iterator[Event]) -> Events:
    """One event for each name and level, with the fields of all places."""
    found: Events = {}
    for event in events:
        known = found.get(event.key, event)
        found[event.key] = msgspec.structs.replace(
            event, fields=event.fields | known.fields, places=tuple({**dict.fromkeys(known.places + event.places)})
        )
    return found


def name_of(node: ast.expr) -> str:
    """`log` for `log`, `self.log` and `connection.log`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class Package:
    """The modules of a package, and how they log."""

    def __init__(self, source: Path) -> None:
        self.trees = {path.relative_to(source): ast.parse(path.read_bytes()) for path in sorted(source.rglob("*.py"))}
        self.calls = [node for tree in self.trees.values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
        # The fields that `log.bind(…)` adds to the events of a logger that an object keeps or a function is given.
        self.bound = {
            str(keyword.arg)
            for call in self.calls
            if isinstance(call.func, ast.Attribute)
            and call.func.attr == "bind"
            and LOGGER.fullmatch(name_of(call.func.value))
            for keyword in call.keywords
        }

    def events(self) -> Iterator[Event]:
        for path, tree in self.trees.items():
            for function in [node for node in ast.walk(tree) if isinstance(node, Function)]:
                for call in own_calls(function):
                    yield from self._events(call, function, f"{path}:{call.lineno}")

    def _events(self, call: ast.Call, function: Function, place: str) -> Iterator[Event]:
        for method in methods(call.func, function):
            fields = set(self._fields(call, function, method, place))
            for name in self._names(call, function, place):
                yield Event(
                    name=name,
                    level=LEVELS[method.attr],
                    fields=frozenset(fields - {"exc_info"} | SPREAD.get(name, set())),
                    places=(place,),
                )

    def _fields(self, call: ast.Call, function: Function, method: ast.Attribute, place: str) -> Iterator[str]:
        parameters = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
        if isinstance(method.value, ast.Attribute) or name_of(method.value) in parameters:
            yield from self.bound
        if method.attr == "exception":
            yield "exception"
        for keyword in call.keywords:
            if keyword.arg:
                yield "exception" if keyword.arg == "exc_info" else keyword.arg
            elif function.args.kwarg and name_of(keyword.value) == function.args.kwarg.arg:
                for each in self._calls_of(function):
                    yield from (str(given.arg) for given in each.keywords if given.arg not in parameters)
            else:
                known = SPREAD.keys() & self._names(call, function, place)
                assert known, f"{place}: the fields of this event cannot be told; add them to SPREAD"

    def _names(self, call: ast.Call, function: Function, place: str) -> set[str]:
        """The event that a call logs; where the event is a parameter, the events that the package gives for it."""
        if name := literal(call.args[0]):
            return {name}
        parameters = [argument.arg for argument in function.args.args if argument.arg != "self"]
        position = parameters.index(name_of(call.args[0]))
        names = {literal(each.args[position]) for each in self._calls_of(function)}
        assert names, f"{place}: nothing calls {function.name}"
        assert None not in names, f"{place}: an event is no literal"
        return {str(name) for name in names}

    def _calls_of(self, function: Function) -> list[ast.Call]:
        return [call for call in self.calls if name_of(call.func) == function.name]


def own_calls(function: Function) -> Iterator[ast.Call]:
    """The calls in a function, without those in the functions that it defines."""
    nodes: list[ast.AST] = [*function.body]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, Function):
            nodes += ast.iter_child_nodes(node)


def methods(called: ast.expr, function: Function) -> Iterator[ast.Attribute]:
    """The methods of a logger that `called` may be: `log.info`, or a name for one of several such methods."""
    if isinstance(called, ast.Attribute):
        if LOGGER.fullmatch(name_of(called.value)) and called.attr in LEVELS:
            yield called
    elif isinstance(called, ast.IfExp):
        yield from methods(called.body, function)
        yield from methods(called.orelse, function)
    elif isinstance(called, ast.Name):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and called.id in map(name_of, node.targets):
                yield from methods(node.value, function)


def logged(source: Path) -> Iterator[Event]:
    """The events that the modules below `source` log."""
    yield from Package(source).events()


def logged_by_script(script: Path) -> Iterator[Event]:
    """The events that a shell script writes: `log LEVEL EVENT OF`."""
    for number, line in enumerate(script.read_text().splitlines(), 1):
        for level, name in re.findall(r"\b(?:say|log) (info|warning|error) (\w+) ", line):
            place = f"{script.name}:{number}"
            yield Event(name=name, level=level, fields=frozenset({"of"}), places=(place,))

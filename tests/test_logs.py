"""docs/logs.md describes each event that the program logs, with its level and all of its fields, and no other event."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fake_email.storage.purge import Purged

ROOT = Path(__file__).parents[1]
SOURCES = {
    "smtp-ingest": ROOT / "services/smtp-ingest/src/smtp_ingest",
    "http-api": ROOT / "services/http-api/src/http_api",
    "fake_email": ROOT / "shared/src/fake_email",
}
SCRIPTS = {"certificate.sh": ROOT / "deploy/certificate.sh"}
# structlog's methods, and the level that each of them logs at.
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
}
LOGGERS = {"log", "_log"}
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


def bound_fields(trees: dict[Path, ast.Module]) -> set[str]:
    """The fields that `log.bind(…)` adds to each event of a logger that an object keeps."""
    return {
        str(keyword.arg)
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr == "bind" and name_of(node.func.value) in LOGGERS
        for keyword in node.keywords
    }


def literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def event_names(call: ast.Call, tree: ast.Module, place: str) -> set[str]:
    """The event that a call logs; where the event is a parameter, the events that the module gives for it."""
    if name := literal(call.args[0]):
        return {name}
    function = [  # the innermost one: ast.walk comes to it last
        node for node in ast.walk(tree) if isinstance(node, Function) and any(each is call for each in ast.walk(node))
    ][-1]
    names = [argument.arg for argument in function.args.args if argument.arg != "self"]
    position = names.index(name_of(call.args[0]))
    given = {
        literal(node.args[position])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name_of(node.func) == function.name
    }
    assert given, f"{place}: nothing calls {function.name}"
    assert None not in given, f"{place}: an event is no literal"
    return {str(each) for each in given}


def logged(source: Path) -> Iterator[Event]:
    """The events that the modules below `source` log."""
    trees = {path: ast.parse(path.read_bytes()) for path in sorted(source.rglob("*.py"))}
    bound = bound_fields(trees)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if name_of(node.func.value) not in LOGGERS or node.func.attr not in LEVELS:
                continue
            place = f"{path.relative_to(source)}:{node.lineno}"
            fields = {"exception" if keyword.arg == "exc_info" else keyword.arg for keyword in node.keywords}
            fields |= {"exception"} if node.func.attr == "exception" else set()
            fields |= bound if isinstance(node.func.value, ast.Attribute) else set()
            for name in event_names(node, tree, place):
                spread = SPREAD.get(name, set()) if None in fields else set()
                assert spread or None not in fields, f"{place}: the fields of {name} cannot be told; add them to SPREAD"
                yield Event(
                    name=name,
                    level=LEVELS[node.func.attr],
                    fields=frozenset(str(each) for each in (fields - {None}) | spread),
                    places=(place,),
                )


def logged_by_script(script: Path) -> Iterator[Event]:
    """The events that a shell script writes: `say LEVEL EVENT OF`."""
    for number, line in enumerate(script.read_text().splitlines(), 1):
        for level, name in re.findall(r"\bsay (\w+) (\w+) ", line):
            place = f"{script.name}:{number}"
            yield Event(name=name, level=level, fields=frozenset({"of"}), places=(place,))


def described(page: str) -> dict[str, Events]:
    """The events of each section: the rows of its table, which are event, level, fields, and what they mean."""
    rows: defaultdict[str, list[Event]] = defaultdict(list)
    section = ""
    for line in page.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ").strip("`")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.fullmatch(r"`(\w+)`", cells[0])
        if line.startswith("|") and name:
            fields = frozenset(re.findall(r"`(\w+)`", cells[2]))
            rows[section].append(Event(name=name[1], level=cells[1], fields=fields, places=("docs/logs.md",)))
    return {section: merged(iter(events)) for section, events in rows.items()}


def differences(found: Events, told: Events) -> list[str]:
    """One line for each event that the page lacks, has too many, or describes with other fields."""
    lines = [f"not described: {' '.join(key)} ({', '.join(found[key].places)})" for key in found.keys() - told.keys()]
    lines += [f"described, but not logged: {' '.join(key)}" for key in told.keys() - found.keys()]
    for key in found.keys() & told.keys():
        lines += [f"{' '.join(key)}: field {name} not described" for name in found[key].fields - told[key].fields]
        lines += [f"{' '.join(key)}: no field {name} is logged" for name in told[key].fields - found[key].fields]
    return sorted(lines)


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs/logs.md").read_text()


@pytest.mark.parametrize("section", SOURCES)
def test_each_event_of_a_package_is_described_with_level_and_fields(page: str, section: str) -> None:
    assert differences(merged(logged(SOURCES[section])), described(page)[section]) == []


@pytest.mark.parametrize("section", SCRIPTS)
def test_each_event_of_a_script_is_described_with_level_and_fields(page: str, section: str) -> None:
    assert differences(merged(logged_by_script(SCRIPTS[section])), described(page)[section]) == []


def test_no_section_describes_events_of_something_else(page: str) -> None:
    assert described(page).keys() == SOURCES.keys() | SCRIPTS.keys()


def test_each_difference_is_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('log.info("made", size=1)\nself._log.warning("cut")\nlog.bind(peer=2)\nlog.exception("failed")\n')
    page = "## x\n| `made` | info | `seconds` | |\n| `cut` | error | `peer` | |\n| `failed` | error | `exception` | |\n"

    found = differences(merged(logged(tmp_path)), described(page)["x"])

    assert found == [
        "described, but not logged: cut error",
        "made info: field size not described",
        "made info: no field seconds is logged",
        "not described: cut warning (module.py:2)",
    ]

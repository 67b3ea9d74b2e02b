"""docs/logs.md describes each event that the program logs, with its level and all of its fields, and no other event."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from support.log_events import Event, Events, logged, logged_by_script, merged

ROOT = Path(__file__).parents[1]
SOURCES = {
    "smtp-ingest": ROOT / "services/smtp-ingest/src/smtp_ingest",
    "http-api": ROOT / "services/http-api/src/http_api",
    "fake_email": ROOT / "shared/src/fake_email",
}
SCRIPTS = {"certificate.sh": ROOT / "deploy/certificate.sh"}


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
            for level in cells[1].split(" or "):
                rows[section].append(Event(name=name[1], level=level, fields=fields, places=("docs/logs.md",)))
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
    found = differences(merged(logged(SOURCES[section])), described(page)[section])

    assert not found, "\n".join(["docs/logs.md differs from the sources:", *found])


@pytest.mark.parametrize("section", SCRIPTS)
def test_each_event_of_a_script_is_described_with_level_and_fields(page: str, section: str) -> None:
    found = differences(merged(logged_by_script(SCRIPTS[section])), described(page)[section])

    assert not found, "\n".join(["docs/logs.md differs from the script:", *found])


def test_no_section_describes_events_of_something_else(page: str) -> None:
    assert described(page).keys() == SOURCES.keys() | SCRIPTS.keys()


MODULE = """
def make(self, log, event):
    log.info("made", size=1)
    self._log.bind(peer=2)
    self._log.warning("cut")
    log.exception("failed")

def limit(self, **values):
    write = self.log.warning if self.is_over else self.log.info
    write("limit_reached", **values)

def call(self):
    limit(mailbox=3)
"""
PAGE = """
## x
| `made` | info | `seconds` `peer` | |
| `cut` | error | `peer` | |
| `failed` | error | `exception` `peer` | |
| `limit_reached` | info or warning | `peer` | |
"""


def test_each_difference_is_found(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(MODULE)

    found = differences(merged(logged(tmp_path)), described(PAGE)["x"])

    assert found == [
        "described, but not logged: cut error",
        "limit_reached info: field mailbox not described",
        "limit_reached warning: field mailbox not described",
        "made info: field size not described",
        "made info: no field seconds is logged",
        "not described: cut warning (module.py:5)",
    ]

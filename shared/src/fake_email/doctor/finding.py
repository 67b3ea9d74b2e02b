"""The result of a check: passed, or a problem with the reason why it matters and the command that mends it. Pure."""

from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

Severity = Literal["ok", "note", "warning", "error"]
Group = Literal["settings", "database", "host", "http", "smtp", "web", "dns", "lists", "mail"]  # of checks

GROUPS: tuple[Group, ...] = get_args(Group)

PASSED = "passed"
_STATUS: dict[Severity, int] = {"ok": 0, "note": 0, "warning": 1, "error": 2}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`about` names the thing that was checked, `what` says what was seen there; `details` are lines of a log."""

    id: str
    severity: Severity
    about: str
    what: str
    why: str = ""
    mend: str = ""
    details: tuple[str, ...] = ()


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of finding; `mend` has the names of values in braces, and commands and records in backquotes."""

    id: str
    severity: Severity
    why: str
    mend: str

    def found(self, about: str, what: str, *, details: Iterable[str] = (), **values: object) -> Finding:
        """A finding of this kind; `values` fill in `mend`."""
        return Finding(
            id=self.id,
            severity=self.severity,
            about=about,
            what=what,
            why=self.why,
            mend=self.mend.format(**values),
            details=tuple(details),
        )


def passed(about: str, what: str) -> Finding:
    """A check that found no problem."""
    return Finding(id=PASSED, severity="ok", about=about, what=what)


def exit_status(findings: Iterable[Finding]) -> int:
    """0 without warnings and errors, 1 with warnings, 2 with errors."""
    return max((_STATUS[each.severity] for each in findings), default=0)

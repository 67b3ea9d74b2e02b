"""Check that systemd runs the units, and read the relevant lines of the journal."""

import json
import re
import subprocess
from contextlib import suppress
from pathlib import Path

from host_checks.finding import Finding, failed, passed

_UNITS = [
    "fake-email-smtp-ingest.socket",
    "fake-email-smtp-ingest.service",
    "fake-email-http-api.socket",
    "fake-email-http-api.service",
    "fake-email-smtp-ingest-metrics.socket",
    "fake-email-http-api-metrics.socket",
    "fake-email.path",
    "caddy.service",
]
_SYSTEM = Path("/etc/systemd/system")
_SHOWN = 10
_READ = 500
_MATTERS = {"warn", "warning", "error", "critical"}
# systemd's messages about healthy units, and the environment that Caddy prints when it starts.
_EVERYDAY = re.compile(r"(Start|Stop|Reload|Listen|Clos)\w* |[\w.]+=|.*: (Deactivated|Consumed) ")
_SECONDS = 10


def look() -> list[Finding]:
    findings = []
    for unit in _UNITS:
        if unit.endswith("-metrics.socket") and not (_SYSTEM / unit).exists():
            continue  # of an older release, which has none
        state = _run("systemctl", "show", "--value", "--property=ActiveState,SubState", unit).split()
        detail = " ".join(state) or "systemctl does not respond"
        findings.append((passed if state[:1] == ["active"] else failed)(unit, detail))
    return findings


def journal() -> list[str]:
    """The last ten relevant lines of the past hour: warnings, errors, and lines that are not events."""
    read = ["--no-pager", "--output=cat", "--since=-1h", f"--lines={_READ}"]
    lines = _run("journalctl", *read, "--unit=fake-email-*", "--unit=caddy.service").splitlines()
    return [line for line in lines if _matters(line)][-_SHOWN:]


def _matters(line: str) -> bool:
    with suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict):
            return event.get("level") in _MATTERS
    return not _EVERYDAY.match(line)


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""

"""The doctor of a release: it examines the running services, and after a deploy the rest of the installation."""

from pathlib import Path

from installer.errors import Failed
from installer.host import run
from installer.preflight import as_service

# The services have just said that they are ready, but http-api may still be connecting to the database.
_WAIT_SECONDS = 10
_SECONDS = 120.0
_ERRORS = 2
SEEN = "accepted by SMTP and seen on the stream"


def examine(release: Path) -> str:
    """Send a mail through the running services and return a line about it; raises Failed with what the doctor found.

    A release from before the doctor is judged by systemd alone, which has started its services.
    """
    if not has_doctor(release):
        return f"{release.name} has no doctor; systemd says that its services are ready"
    groups = ("--only", "http,mail", "--wait", str(_WAIT_SECONDS))
    done = as_service(release, "fake-email", "doctor", *groups, seconds=_SECONDS)
    # A Python that fails has the status of a warning, so the message itself must have been seen.
    if done.status >= _ERRORS or SEEN not in done.output:
        raise Failed(f"the doctor found errors:\n{done.output}")
    return "end to end: a mail to a new mailbox was accepted on port 25 and arrived on the stream; it is deleted again"


def advice(release: Path) -> str:
    """The doctor's findings on the whole installation that are not fine, or an empty text."""
    if not has_doctor(release):
        return ""
    done = run(str(release / "venv/bin/fake-email"), "doctor", "--quiet", seconds=_SECONDS)
    return done.output


def has_doctor(release: Path) -> bool:
    """True for a release since `fake-email doctor`."""
    return any(release.glob("venv/lib/python*/site-packages/fake_email/doctor/command.py"))

"""Switch the host to another release; a failure is rolled back and printed with diagnostics of the host."""

import time
from pathlib import Path

from installer import diagnostics, doctor, releases, services, units
from installer.errors import Failed
from installer.host import tell

# Long enough to catch a service that starts and dies a few seconds later.
_WATCHED_SECONDS = 8.0
# When a service dies, its connections break a moment before systemd reports its end.
_ENDING_SECONDS = 2.0


def activate(release: Path, before: Path | None, *, is_new: bool) -> None:
    """Run `release` in the units, and watch a new one for 8 s; raises Failed after switching back to `before`."""
    began = time.time()
    try:
        _run(release, before)
        if is_new:
            services.watch(_WATCHED_SECONDS)
    except Exception as error:  # noqa: BLE001  # every error rolls the host back
        details = diagnostics.of_services(release, began)
        tell(f"{error}\n{details}".strip())
        outcome = _roll_back(before, release)
        raise Failed(f"{release.name} does not run on this host, see above; {outcome}") from None


def _run(release: Path, before: Path | None) -> None:
    releases.switch(release)
    units.install(release, before)
    for socket in units.sockets(release):
        services.start_socket(socket)
    services.restart(services.HTTP_API)
    tell("http-api is ready")
    services.restart(services.SMTP_INGEST)
    tell("smtp-ingest is ready")
    services.systemctl("start", services.TARGET)
    try:
        tell(doctor.examine(release))
    except Failed:
        services.must_live(_ENDING_SECONDS)  # the end of a service explains more than the doctor's findings
        raise


def _roll_back(before: Path | None, failed: Path) -> str:
    """Run `before` again as far as possible, and return the outcome as a clause."""
    if before is None:
        for unit in (*services.SERVICES, *services.SOCKETS):
            services.systemctl("stop", unit)
        releases.switch(None)
        return "the host had no release before, so no service runs now"
    tell(f"rolling back to {before.name}")
    try:
        _run(before, failed)
    except Exception as error:  # noqa: BLE001  # the caller reports it with the first error
        return f"the rollback to {before.name} failed too: {error}"
    return f"the host runs {before.name} again and is healthy"

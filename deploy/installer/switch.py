"""Has the host run another release; what goes wrong is undone, and told with what the host knows of it."""

import time
from pathlib import Path

from installer import diagnostics, probe, releases, services, units
from installer.errors import Failed
from installer.host import tell

# A service that dies of what it finds a little later, and not at its start, is seen to.
_WATCHED_SECONDS = 8.0
# A connection is cut a moment before systemd knows why.
_ENDING_SECONDS = 2.0


def activate(release: Path, before: Path | None, *, is_new: bool) -> None:
    """Have the units run `release`, and watch a new one for 8 s; raises Failed, and then they run `before` again."""
    began = time.time()
    try:
        _run(release, before)
        if is_new:
            services.watch(_WATCHED_SECONDS)
    except Exception as wrong:  # noqa: BLE001  # whatever it is, the host goes back
        seen = diagnostics.of_services(release, began)
        tell(f"{wrong}\n{seen}".strip())
        back = _go_back(before, release)
        raise Failed(f"{release.name} does not run here, see above; {back}") from None


def _run(release: Path, before: Path | None) -> None:
    releases.switch(release)
    units.install(release, before)
    for socket in units.sockets(release):
        services.start_socket(socket)
    services.restart(services.HTTP_API, probe.http_trouble)
    tell("http-api is well")
    services.restart(services.SMTP_INGEST, probe.smtp_trouble)
    tell("smtp-ingest greets")
    services.systemctl("start", services.TARGET)
    try:
        tell(probe.end_to_end())
    except Failed:
        services.must_live(_ENDING_SECONDS)  # else the reason lies there
        raise


def _go_back(before: Path | None, failed: Path) -> str:
    """Run `before` again, as far as it goes, and say how far that was."""
    if before is None:
        for unit in (*services.SERVICES, *services.SOCKETS):
            services.systemctl("stop", unit)
        releases.switch(None)
        return "there was none before, so nothing runs now"
    tell(f"going back to {before.name}")
    try:
        _run(before, failed)
    except Exception as wrong:  # noqa: BLE001  # it is told with what began it
        return f"{before.name} is back, and is not well either: {wrong}"
    return f"the host runs {before.name} again, and that is well"

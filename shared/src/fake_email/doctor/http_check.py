"""http-api where this machine reaches it: alive, and able to work."""

import http.client
import ssl

from fake_email.doctor import http_call
from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.in_thread import in_thread
from fake_email.doctor.target import Target

DOWN = Problem(
    id="http_down",
    severity="error",
    why="No program and no web page can read mail.",
    mend="on the host `sudo systemctl restart fake-email-http-api; sudo journalctl -u fake-email-http-api -n 20`",
)
NOT_READY = Problem(
    id="http_not_ready",
    severity="error",
    why="http-api runs, but it cannot read mail.",
    mend="on the host `sudo journalctl -u fake-email-http-api -n 20`; mostly the database is away",
)


async def check(target: Target) -> list[Finding]:
    """Ask /api/health; nothing where only the certificate is wrong, which another check reports."""
    return await in_thread(lambda: _check(target))


def _check(target: Target) -> list[Finding]:
    about = target.http.url
    try:
        live = http_call.call(target.http, "GET", "/api/health?live")
        if live.status != http.client.OK:
            return [DOWN.found(about, live.summary)]
        ready = http_call.call(target.http, "GET", "/api/health")
    except ssl.SSLError:
        return []
    except (OSError, http.client.HTTPException) as error:
        return [DOWN.found(about, http_call.why(error))]
    if ready.status != http.client.OK:
        return [NOT_READY.found(about, ready.summary)]
    return [passed(about, "alive and ready")]

"""The API from the web: its certificate, its health behind Caddy, and what a browser lets our web pages do."""

import contextlib
import datetime
import http.client
import ssl

from fake_email.doctor import certificates, http_call
from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.http_call import Site
from fake_email.doctor.in_thread import in_thread
from fake_email.doctor.target import Target

DOWN = Problem(
    id="https_down",
    severity="error",
    why="No web page and no program outside this host can reach the API.",
    mend="open TCP ports 80 and 443; on the host `sudo systemctl restart caddy; sudo journalctl -u caddy -n 20`",
)
NO_CERTIFICATE = Problem(
    id="https_no_certificate",
    severity="error",
    why="Caddy has no certificate for this name, so browsers and programs end the connection.",
    mend="on the host `sudo journalctl -u caddy --since -1h`; mostly DNS names another host, or port 80 is closed",
)
INVALID = Problem(
    id="https_invalid",
    severity="error",
    why="Browsers and programs refuse the certificate.",
    mend="on the host `sudo journalctl -u caddy --since -1d`",
)
EXPIRES = Problem(
    id="https_expires",
    severity="warning",
    why="Caddy renews a certificate when a third of its time is left, and has not been able to.",
    mend="on the host `sudo journalctl -u caddy --since -1d`",
)
NOT_READY = Problem(
    id="https_not_ready",
    severity="error",
    why="Caddy answers, but the API does not work behind it.",
    mend="on the host `curl -i http://127.0.0.1:3001/api/health; sudo journalctl -u caddy -n 20`",
)
DENIED = Problem(
    id="cors_denied",
    severity="error",
    why="Browsers keep the responses of the API from the web page of this origin.",
    mend="add {origin} to CORS_ALLOWED_ORIGINS, then `sudo systemctl restart fake-email-http-api`",
)
NO_ORIGIN = Problem(
    id="no_origin",
    severity="note",
    why="Programs can use the API, but no web page of another origin can.",
    mend="`VERCEL_ORIGIN=https://your-app.vercel.app deploy/setup.sh`, or check one with `--origin URL`",
)
FRONTEND_AWAY = Problem(
    id="frontend_away",
    severity="warning",
    why="A person who opens this address sees no mail.",
    mend="open {origin} in a browser; docs/vercel.md says how the page is deployed",
)
_PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


async def check(target: Target) -> list[Finding]:
    """Check the public site of the API, and each origin of a web page."""
    return await in_thread(lambda: [*_site(target), *_origins(target)])


def _site(target: Target) -> list[Finding]:
    if not target.api.is_secure:
        return []
    about = target.api.url
    try:
        with contextlib.closing(http_call.connect(target.api)) as connection:
            valid = certificates.validity(connection.sock)
            health = _health(connection)
    except ssl.SSLCertVerificationError as error:
        return [INVALID.found(about, error.verify_message)]
    except ssl.SSLError as error:
        return [NO_CERTIFICATE.found(about, http_call.why(error))]
    except OSError as error:
        return [DOWN.found(about, http_call.why(error))]
    until = f"a certificate until {valid.end:%Y-%m-%d}"
    soon = valid.ends_soon(datetime.datetime.now(datetime.UTC))
    certificate = EXPIRES.found(about, until) if soon else passed(about, until)
    return [certificate, NOT_READY.found(about, health) if health else passed(about, "ready")]


def _health(connection: http.client.HTTPConnection) -> str:
    """The reason why the API does not work behind Caddy, or an empty text."""
    try:
        connection.request("GET", "/api/health")
        response = http_call.read(connection.getresponse())
    except (OSError, http.client.HTTPException) as error:
        return http_call.why(error)
    return "" if response.status == http.client.OK else response.summary


def _origins(target: Target) -> list[Finding]:
    if not target.origins:
        return [NO_ORIGIN.found("CORS", "no origin is allowed")]
    findings = [preflight(target.api, origin) for origin in target.origins]
    return findings + [_frontend(origin) for origin in target.origins if "*" not in origin]


def preflight(site: Site, listed: str) -> Finding:
    """The finding on a preflight of a browser; a `*` in the listed origin stands for any name."""
    origin = listed.replace("*", "doctor")
    about = f"CORS {listed}"
    try:
        response = http_call.call(site, "OPTIONS", "/api/temporary-address", {"Origin": origin, **_PREFLIGHT})
    except (OSError, http.client.HTTPException) as error:
        return DENIED.found(about, http_call.why(error), origin=listed)
    if response.headers.get("access-control-allow-origin") not in {origin, "*"}:
        return DENIED.found(about, f"the preflight is answered with {response.status}, not allowed", origin=listed)
    return passed(about, "allowed")


def _frontend(origin: str) -> Finding:
    try:
        response = http_call.call(Site(url=origin), "GET", "/")
    except (OSError, http.client.HTTPException) as error:
        return FRONTEND_AWAY.found(origin, http_call.why(error), origin=origin)
    if response.status >= http.client.BAD_REQUEST:
        return FRONTEND_AWAY.found(origin, f"responds {response.status}", origin=origin)
    return passed(origin, f"responds {response.status}")

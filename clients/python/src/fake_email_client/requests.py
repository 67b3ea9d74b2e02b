"""Calls as requests of the HTTP library, the same for its synchronous and its asynchronous client."""

import httpx2
import msgspec

from fake_email_client.calls import Call

# Each waiting call takes a connection, so that their number is not limited here.
LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
_CONNECT_SECONDS = 10.0


def checked_url(url: str) -> str:
    """The URL without a slash at its end; raises ValueError for one that is no address of a server."""
    parsed = httpx2.URL(url)
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(f"{url} is not the URL of an API, as http://localhost:3001 is")
    return url.rstrip("/")


def request(http: httpx2.Client | httpx2.AsyncClient, url: str, call: Call) -> httpx2.Request:
    headers = dict(call.headers)
    if call.token:
        headers["Authorization"] = f"Bearer {call.token}"
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return http.build_request(
        call.method,
        f"{url}/api/{call.path}",
        params={name: value if isinstance(value, str) else list(value) for name, value in call.query.items()},
        content=None if call.body is None else msgspec.json.encode(call.body),
        headers=headers,
        timeout=httpx2.Timeout(call.seconds, connect=min(call.seconds, _CONNECT_SECONDS)),
    )

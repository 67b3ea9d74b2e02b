"""GET /api/health: whether this process can do its work."""

from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter

from fake_email.errors import DatabaseAway
from http_api.api import Api


@get("/api/health")
async def health(
    api: Api, accept: Annotated[str | None, Parameter(header="Accept")] = None
) -> Response[str | dict[str, str]]:
    """`OK` when the database answers and LISTEN stands; else 503."""
    await api.database.probe()
    if not api.arrivals.is_listening:
        raise DatabaseAway(str(DatabaseAway.__doc__))
    if accept and "application/json" in accept:
        return Response({"status": "ok"}, media_type="application/json", headers={"Cache-Control": "no-store"})
    return Response("OK", media_type="text/plain", headers={"Cache-Control": "no-store"})

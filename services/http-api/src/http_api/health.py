"""GET /api/health: whether this process can do its work."""

from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec

from fake_email.errors import DatabaseAway
from http_api.api import Api
from http_api.documented import failures
from http_api.problems import AnyRequest

_OK = ResponseSpec(
    str, media_type="text/plain", description="OK, or JSON when that is accepted", generate_examples=False
)


@get("/api/health", responses={200: _OK} | failures())
async def health(api: Api, request: AnyRequest) -> Response[str | dict[str, str]]:
    """`OK` when the database answers and LISTEN stands; else 503."""
    await api.database.probe()
    if not api.arrivals.is_listening:
        raise DatabaseAway(str(DatabaseAway.__doc__))
    if "application/json" in request.headers.get("accept", ""):
        return Response({"status": "ok"}, media_type="application/json")
    return Response("OK", media_type="text/plain")

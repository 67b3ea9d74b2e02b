"""A response whose body is made piece by piece, each when the client has taken the one before."""

from collections.abc import Iterable, Mapping

from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send


class PiecedResponse(Response[None]):
    """A response without Content-Length, unless `headers` has it: the last piece may not be made yet."""

    def __init__(
        self,
        pieces: Iterable[bytes],
        *,
        status: int,
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(None, status_code=status, media_type=media_type, headers=dict(headers or {}))
        self._answer = _PiecedAnswer(pieces, status_code=status, media_type=media_type, headers=self.headers)

    def to_asgi_response(self, *_args: object, **_options: object) -> ASGIResponse:
        """The response as Litestar sends it."""
        return self._answer


class _PiecedAnswer(ASGIResponse):
    __slots__ = ("_pieces",)

    _should_set_content_length = False

    def __init__(self, pieces: Iterable[bytes], *, status_code: int, media_type: str, headers: dict[str, str]) -> None:
        super().__init__(status_code=status_code, media_type=media_type, headers=headers)
        self._pieces = pieces

    async def send_body(self, send: Send, receive: Receive) -> None:  # noqa: ARG002  # Litestar's
        for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

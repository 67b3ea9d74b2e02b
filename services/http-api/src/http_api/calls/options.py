"""OPTIONS: the methods of a path. Litestar's own response has only those of the call that was registered first."""

from collections.abc import Iterable
from http import HTTPStatus

from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from http_api.protocol.request import AnyRequest


def options_of(calls: Iterable[HTTPRouteHandler]) -> HTTPRouteHandler:
    """The call that responds to OPTIONS at the paths of `calls`; it must be registered before them."""
    paths = sorted({path for call in calls for path in call.paths})

    @route(paths, http_method=[HttpMethod.OPTIONS], status_code=HTTPStatus.NO_CONTENT, include_in_schema=False)
    async def options(request: AnyRequest) -> Response[None]:
        here = request.scope["path_template"]
        methods = {method for each in request.app.routes if each.path_format == here for method in each.methods}
        return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"Allow": ", ".join(sorted(methods))})

    return options

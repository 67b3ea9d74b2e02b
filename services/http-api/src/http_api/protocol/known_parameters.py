"""The check that a call knows each parameter in its query, so that a misspelt one is not silently ignored."""

import urllib.parse
from collections.abc import Iterable, Mapping
from functools import lru_cache

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import Method

from http_api.protocol import nearest
from http_api.protocol.errors import BadInput
from http_api.protocol.request import AnyRequest

_SHOWN_CHARACTERS = 100
# Secrets in a query: what a call takes instead.
_SECRETS = {
    "ticket": "a ticket opens GET only; send the token of the mailbox in Authorization.",
    "access_token": "send the token of the mailbox in Authorization.",
    "token": "send the token of the mailbox in Authorization.",
}


async def check_names(request: AnyRequest) -> None:
    """Raise BadInput for a parameter that the call does not have, or that is given twice and is not an array."""
    scope = request.scope
    query = scope["query_string"]
    if not query:
        return
    names = (name for name, _ in urllib.parse.parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    check(_parameters(scope["litestar_app"], scope["path_template"], scope["method"]), names)


def check(parameters: Mapping[str, bool], names: Iterable[str]) -> None:
    """Compare the names in a query with the parameters of the call, each with true if it is an array."""
    found: set[str] = set()
    for name in names:
        if name not in parameters:
            raise BadInput(name[:_SHOWN_CHARACTERS], f"{name[:_SHOWN_CHARACTERS]}: {_unknown(parameters, name)}")
        if name in found and not parameters[name]:
            raise BadInput(name, f"{name}: given twice; give this parameter once.")
        found.add(name)


def _unknown(parameters: Mapping[str, bool], name: str) -> str:
    if name in _SECRETS:
        return f"not a parameter of this call; {_SECRETS[name]}"
    return f"not a parameter of this call; {nearest.suggest(name, parameters)}."


@lru_cache
def _parameters(application: Litestar, path: str, method: Method) -> dict[str, bool]:
    """The parameters in the query of a call, each with true if it is an array, from the signature of its handler."""
    [route] = [each for each in application.routes if isinstance(each, HTTPRoute) and each.path_format == path]
    _, model = route.route_handler_map[method]
    return {each.field_alias: each.is_sequence for each in model.expected_query_params}

"""GET /api/messages/{id}/html: the HTML of a message as a web page that is safe to show, in a frame or alone."""

from functools import partial
from typing import Annotated

from litestar import Response, get
from litestar.openapi.spec import Example
from litestar.params import Parameter

from fake_email.errors import MessageNotFound, NoHtml
from fake_email.storage import message_html as stored_html
from http_api.calls.context import Context
from http_api.calls.reader import Ticket, reader_token
from http_api.live.work_threads import WORK_SECONDS
from http_api.openapi.responses import error_responses, media_response
from http_api.protocol import origins, parameters
from http_api.protocol.errors import BadInput
from http_api.protocol.parameters import AccessToken, MessageId
from http_api.protocol.request import AnyRequest
from http_api.sanitize import page as sanitized_page
from http_api.sanitize import work as sanitizing

# Links open outside the sandbox, where they work as in any web page.
_SANDBOX = "sandbox allow-popups allow-popups-to-escape-sandbox"
# HTML up to this size takes milliseconds, so it does not wait for larger HTML.
_SMALL_OCTETS = 32_768
# The memory that each octet takes while the page is made.
_HTML_FACTOR = 16
_IMAGE_FACTOR = 3

_EXAMPLE = "<!DOCTYPE html><html><head><title>123456 is your code</title></head><body><p>123456</p></body></html>"


@get(
    "/api/messages/{message_id:str}/html",
    operation_id="getMessageHtml",
    tags=["messages"],
    summary="Show the HTML of a message",
    media_type="text/html",
    responses=media_response(
        "text/html", "A whole web page, sanitized, with a strict Content-Security-Policy.", example=_EXAMPLE
    )
    | error_responses(BadInput, MessageNotFound, NoHtml),
)
async def message_html(
    context: Context,
    request: AnyRequest,
    message_id: MessageId,
    remote: Annotated[
        bool,
        Parameter(
            description="`true` lets the page load images and style sheets from other hosts.",
            examples=[Example(value=True)],
        ),
    ] = False,
    embed: Annotated[
        bool,
        Parameter(
            description="`true` adds a script that tells the height of the page to the frame's parent.",
            examples=[Example(value=True)],
        ),
    ] = False,
    access_token: AccessToken = None,
    ticket: Ticket = None,
) -> Response[bytes]:
    """Return the sanitized HTML: it runs no scripts, and loads nothing from other hosts without `remote=1`.

    Images that came with the message are part of the page. A message without HTML gets a 404 with the code `no_html`.
    `Remote-Images-Blocked` is the number of images from other hosts that the page leaves out. `ticket` is for frames,
    which cannot send `Authorization`.

    With `embed=1`, one script of ours posts `{type: "fake-email:height", height}` to the parent of the frame, and turns
    the page dark or light when it gets `{type: "fake-email:theme", theme: "dark"}`. The mail itself runs no scripts.
    """
    parsed = parameters.message_id(message_id)
    token_sha256 = parameters.token_sha256(request.headers.get("authorization"), access_token)
    token_sha256 = await reader_token(context, request, ticket, token_sha256)
    size = await context.database.run(
        lambda connection: stored_html.weigh(connection, parsed, token_sha256=token_sha256)
    )
    is_small = size.octets + size.image_octets <= _SMALL_OCTETS
    octets = _HTML_FACTOR * size.octets + _IMAGE_FACTOR * size.image_octets
    database = context.database_for(octets)
    if not is_small:
        await context.hold(octets, seconds=WORK_SECONDS)
    work = context.quick_work if is_small else context.work
    html = await database.run(lambda connection: stored_html.fetch(connection, parsed))
    references = await work(partial(sanitized_page.references, html))
    images = await stored_html.images(database, size.attachments, references, context.whole_content)
    wanted = sanitizing.Work(html=html, images=images, remote=remote, is_embedded=embed)
    made = await (context.quick_work(partial(sanitizing.do, wanted)) if is_small else context.sanitize(wanted))
    if context.held:
        context.held.shrink(len(made.page))
    # As the JSON of the message says; the page itself is counted where that does not know.
    blocked = made.remote_images_blocked if remote or size.remote_images is None else size.remote_images
    ancestors = origins.ancestors(context.settings.cors_allowed_origins, request.headers.get("referer"))
    return Response(
        made.page,
        media_type="text/html",
        headers={
            "Content-Security-Policy": "; ".join(
                (
                    sanitized_page.policy(remote=remote, is_embedded=embed),
                    f"frame-ancestors {ancestors}",
                    _SANDBOX + (" allow-scripts" if embed else ""),
                )
            ),
            "Remote-Images-Blocked": str(blocked),
            # A browser refuses a sandboxed page that asks to be isolated from its opener.
            "Cross-Origin-Opener-Policy": "unsafe-none",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )

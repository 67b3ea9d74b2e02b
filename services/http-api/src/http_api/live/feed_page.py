"""The next page of a feed, and the memory that its stream holds for a large page until the reader has taken it."""

from collections.abc import Callable

from http_api.live.call_shares import PIECE_OCTETS
from http_api.live.feed import Feed
from http_api.live.shared_reads import Page
from http_api.live.stream_output import StreamOutput
from http_api.live.streams import Streams
from http_api.protocol.client_address import Client


async def read(
    streams: Streams, feed: Feed, *, client: Client, output: StreamOutput, when_revoked: Callable[[], None]
) -> Page:
    """The page after the cursor of the feed; the `output` releases its share of the memory.

    The share is revoked, and `when_revoked` called, when the reader takes nothing while others wait for memory. Raises
    MailboxNotFound, DatabaseAway and Overloaded.
    """
    page = await _read(streams, feed, client)
    if page.octets <= PIECE_OCTETS:
        return page
    octets, shares = page.octets, streams.shares
    share = shares.take_memory_now(client, octets)
    if share is None:
        del page  # read again after the wait
        share = await shares.memory_for(octets).take(client, octets)
        output.share = share
        page = await _read(streams, feed, client)
    output.share = share
    share.allow_revoking(when_revoked)
    return page


async def _read(streams: Streams, feed: Feed, client: Client) -> Page:
    return await streams.shared_reads.page(
        client, feed.cursor, address=feed.address, token_sha256=feed.token_sha256, after=feed.reads_before
    )

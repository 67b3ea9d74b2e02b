"""The octets that have moved over a connection, which show that the network lost a request or an answer.

After each loss TCP waits twice as long before it sends again: after an outage of 4 s it may take 16 s more to notice
that the link is back (tcpi_rto, which an outage drives up). A new connection gets through at once.
"""

import os
import socket
import struct
import sys
from collections.abc import Collection
from contextlib import suppress

import msgspec
import psycopg
from psycopg.rows import TupleRow, scalar_row

Connection = psycopg.AsyncConnection[TupleRow]

# tcpi_bytes_acked and tcpi_bytes_received (Linux, uapi/linux/tcp.h, struct tcp_info).
_COUNTERS = struct.Struct("120xQQ")
_WAITING_FOR_CLIENT = """
    SELECT pid
    FROM pg_stat_activity
    WHERE pid = ANY(%(pids)s) AND wait_event_type = 'Client'
"""


class Progress(msgspec.Struct, frozen=True):
    """The octets that the peer has acknowledged, and those received from it, since the connection was made."""

    acknowledged: int
    received: int


def duplicate_socket(connection: Connection) -> socket.socket:
    """A duplicate of the connection's socket; the caller closes it."""
    return socket.socket(fileno=os.dup(connection.fileno()))


def progress(connection: Connection) -> Progress | None:
    """The Progress of a TCP connection; None where the system does not tell it, and for a Unix socket."""
    if connection.closed or sys.platform != "linux":
        return None
    with suppress(OSError), duplicate_socket(connection) as duplicate:
        return Progress(*_COUNTERS.unpack(duplicate.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTERS.size)))
    return None


async def waiting_for_client(connection: Connection, pids: Collection[int]) -> set[int]:
    """The backends among `pids`, of our own role, that wait for their client to send or to receive."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_WAITING_FOR_CLIENT, {"pids": list(pids)})
        return set(await cursor.fetchall())

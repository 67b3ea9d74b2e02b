"""Requests and answers that are lost under way, as on a link that was cut.

TCP sends again after twice as long each time, or longer: of a link that was away for 4 s it may not know for 16 s more
that it is back (tcpi_rto, which an outage drives up). A connection that is new gets through at once.
"""

import os
import socket
import struct
import sys
from collections.abc import Collection
from contextlib import suppress

import msgspec
import psycopg
from psycopg.rows import TupleRow

Connection = psycopg.AsyncConnection[TupleRow]

# tcpi_bytes_acked and tcpi_bytes_received (Linux, uapi/linux/tcp.h, struct tcp_info).
_COUNTERS = struct.Struct("120xQQ")
_WAITING_FOR_CLIENT = """
    SELECT pid
    FROM pg_stat_activity
    WHERE pid = ANY(%(pids)s) AND wait_event_type = 'Client'
"""


class Moved(msgspec.Struct, frozen=True):
    """Octets that have arrived, there and here, since a connection was made."""

    there: int
    here: int


def socket_of(connection: Connection) -> socket.socket:
    """A duplicate of what it is on, for the caller to close."""
    return socket.socket(fileno=os.dup(connection.fileno()))


def moved(connection: Connection) -> Moved | None:
    """None where the system does not say, and for a connection that is not TCP, on which nothing is lost."""
    if connection.closed or sys.platform != "linux":
        return None
    with suppress(OSError), socket_of(connection) as duplicate:
        return Moved(*_COUNTERS.unpack(duplicate.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTERS.size)))
    return None


async def waiting_for_client(connection: Connection, pids: Collection[int]) -> set[int]:
    """Those of these processes of the server, of our own role, that wait for their client to send, or to take."""
    rows = await connection.execute(_WAITING_FOR_CLIENT, {"pids": list(pids)})
    return {pid for (pid,) in await rows.fetchall()}

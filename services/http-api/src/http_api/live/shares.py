"""The resources of a worker process that clients share, and how much there is of each.

Light work has memory, connections and a thread of its own, so that it never stands behind the heavy work of others.
"""

from http_api.live.fair_shares import FairShares
from http_api.live.share import Share
from http_api.live.work_threads import WorkThreads
from http_api.protocol.client_address import Client
from http_api.sanitize.process import SanitizerProcess

_CALL_CONNECTIONS = 6
_HEAVY_CONNECTIONS = 2
_STREAM_CONNECTIONS = 4
# Two more are left to what works for all clients at once: look-ups, the purge.
CONNECTIONS = _CALL_CONNECTIONS + _HEAVY_CONNECTIONS + _STREAM_CONNECTIONS + 2
# One interpreter runs all threads: each thread more would let the event loop wait for longer.
_THREADS = 2
_MEBIBYTE = 1_048_576
# An answer counts from the moment before its rows are read until its client has taken the last piece.
_ANSWER_OCTETS = 48 * _MEBIBYTE
CLIENT_ANSWER_OCTETS = 16 * _MEBIBYTE
_LIGHT_ANSWER_OCTETS = 32 * _MEBIBYTE
# The largest answer that is light, and what one client holds of light answers.
LIGHT_OCTETS = _MEBIBYTE
# While other clients wait for memory, an answer of which nothing was taken for this long is cut.
_STALL_SECONDS = 2.0
# Fewer in all than the calls that Granian accepts beside the streams, so that a call can always be refused.
_CALLS = 4_000
CLIENT_CALLS = 32
CLIENT_QUEUED_CALLS = 400
_QUEUED_CALLS = 600


class Shares:
    """The shared resources; each thread belongs to the share that it works for."""

    def __init__(self) -> None:
        self.calls = FairShares(
            "calls",
            total=_CALLS,
            client_units=CLIENT_CALLS,
            client_callers=CLIENT_QUEUED_CALLS,
            callers=_QUEUED_CALLS,
            spares_exempt=True,
        )
        self._answer_octets = FairShares(
            "answer_octets", total=_ANSWER_OCTETS, client_units=CLIENT_ANSWER_OCTETS, stall_seconds=_STALL_SECONDS
        )
        self._light_answer_octets = FairShares(
            "light_answer_octets",
            total=_LIGHT_ANSWER_OCTETS,
            client_units=LIGHT_OCTETS,
            spares_exempt=True,
            stall_seconds=_STALL_SECONDS,
        )
        self.database_connections = FairShares(
            "database_connections", total=_CALL_CONNECTIONS, client_units=_CALL_CONNECTIONS // 2, spares_exempt=True
        )
        self.heavy_connections = FairShares("heavy_connections", total=_HEAVY_CONNECTIONS, client_units=1)
        self.stream_connections = FairShares(
            "stream_connections", total=_STREAM_CONNECTIONS, client_units=_STREAM_CONNECTIONS // 2, spares_exempt=True
        )
        # Each whole content takes three times its size.
        self.whole_contents = FairShares("whole_contents", total=1, client_units=1)
        self.work_threads = WorkThreads("work_threads", threads=_THREADS)
        self.quick_threads = WorkThreads("quick_threads", threads=1)
        # Its thread only waits for the process, whose work would take most of the interpreter from the event loop.
        self.sanitizer_process = SanitizerProcess()
        self.sanitizer_turns = WorkThreads("sanitizer_process", threads=1)

    def take_memory_now(self, client: Client, octets: int) -> Share | None:
        """Memory for an answer of so many octets; None when the client would have to wait for its turn.

        A client with much that is light takes of the memory for heavy answers too, while there is some.
        """
        memory = self.memory_for(octets)
        return memory.take_now(client, octets) or self._answer_octets.take_now(client, octets)

    def memory_for(self, octets: int) -> FairShares:
        """The memory that an answer of so many octets takes its share of."""
        return self._light_answer_octets if octets <= LIGHT_OCTETS else self._answer_octets

    def connections_for(self, octets: int) -> FairShares:
        """The connections that read an answer of so many octets."""
        return self.database_connections if octets <= LIGHT_OCTETS else self.heavy_connections

    def refused(self) -> dict[str, int]:
        """The callers that got no share of each resource."""
        threads = (self.work_threads.shares, self.quick_threads.shares, self.sanitizer_turns.shares)
        own = (each for each in vars(self).values() if isinstance(each, FairShares))
        return {each.resource: each.refused for each in (*own, *threads)}

    def stop(self) -> None:
        """Start no further work in threads."""
        self.work_threads.stop()
        self.quick_threads.stop()
        self.sanitizer_turns.stop()
        self.sanitizer_process.end()

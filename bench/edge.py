"""The cost of http-api's edge: the rate limits and security headers that every call passes.

The figures are calls per second of CPU time, with the edge and without.
"""

import statistics
from collections.abc import Iterator

from support.harness import Pair

from bench import calls
from bench.figures import make_mailboxes, row

# Many short rounds, in which the two servers alternate.
_ROUNDS = 11
_SERVERS = ("with", "without")


def measure(pair: Pair) -> Iterator[str]:
    """A table of medians; CPU time of the service excludes the load generator and other processes."""
    address = make_mailboxes(pair, 1)[0]
    paths = {"a call that does not exist": "/nowhere", "poll of an empty mailbox": f"/api/inbox/poll?address={address}"}
    with calls.beside(pair, "bench.unguarded") as unguarded:
        yield row("calls per CPU second", *_SERVERS, "with/without")
        for label, path in paths.items():
            servers = {"with": (calls.ours(pair), path), "without": (unguarded, path)}
            results = [calls.in_turn(servers, turn) for turn in range(_ROUNDS)]
            rounds = [{name: rate.per_cpu_second for name, rate in each.items()} for each in results]
            rates = [statistics.median(each[name] for each in rounds) for name in _SERVERS]
            yield row(label, *rates, statistics.median(each["with"] / each["without"] for each in rounds))

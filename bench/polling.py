"""The rate of polls, compared with a handler that returns a constant.

ours: http-api. constant: the same HTTP server and framework with one handler that returns a constant.
first: a call as after a change of the mailbox, which reads the messages; else the answer is kept and sent again.
"""

import asyncio
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter

from support.content import message
from support.harness import Pair
from support.smtp_client import SmtpClient

from bench import calls
from bench.calls import Rate
from bench.figures import make_mailboxes, row

_ROUNDS = 11
Round = Mapping[str, Rate]

_SERVERS = ("ours", "constant")
_MESSAGES = 20
# Blanks, which say nothing; the answer to so long a query is not kept.
_LONG = "%20" * 400


def measure(pair: Pair) -> Iterator[str]:
    """Two tables of medians: calls per second, and calls per second of CPU time."""
    empty, filled = make_mailboxes(pair, 2)
    asyncio.run(_fill(pair, filled))
    poll, listing = f"/api/inbox/poll?address={filled}", f"/api/inbox/messages?address={filled}"
    paths = {
        "poll of an empty mailbox": f"/api/inbox/poll?address={empty}",
        f"poll of {_MESSAGES} messages": poll,
        f"list of {_MESSAGES} messages": listing,
        f"first poll of {_MESSAGES} messages": f"{poll}&_={_LONG}",
        f"first list of {_MESSAGES} messages": f"{listing}&query={_LONG}",
    }
    with calls.beside(pair, "bench.constant") as constant:
        rounds = {
            label: [
                calls.in_turn({"ours": (calls.ours(pair), path), "constant": (constant, "/constant")}, turn)
                for turn in range(_ROUNDS)
            ]
            for label, path in paths.items()
        }
    yield from _table("calls per second", rounds, attrgetter("per_second"))
    yield from _table("calls per CPU second", rounds, attrgetter("per_cpu_second"))


def _table(heading: str, rounds: Mapping[str, Sequence[Round]], of: Callable[[Rate], float]) -> Iterator[str]:
    yield row(heading, *_SERVERS, "ours/constant")
    for label, results in rounds.items():
        rates = [statistics.median(of(each[name]) for each in results) for name in _SERVERS]
        yield row(label, *rates, statistics.median(of(each["ours"]) / of(each["constant"]) for each in results))


async def _fill(pair: Pair, address: str) -> None:
    async with SmtpClient.connect(pair.smtp_port) as client:
        for number in range(_MESSAGES):
            await client.deliver(message(f"Message {number}"), address)
            await client.command("RSET")

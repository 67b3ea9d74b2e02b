"""Look-ups against a DNS server: each kind of answer, the cache, and the limits for a message."""

from collections.abc import Iterator

import pytest
from support.dns_server import FAILS, IS_SILENT, DnsServer, running_dns

from smtp_ingest.authentication.answer_cache import AnswerCache
from smtp_ingest.authentication.lookups import Lookups
from smtp_ingest.authentication.questions import Answer, Question, question
from smtp_ingest.authentication.resolver import Resolver

LONG = "v=spf1 " + "x" * 2_000


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    zone = {
        ("a.example", "TXT"): ("one", "two"),
        ("a.example", "A"): ("192.0.2.1",),
        ("a.example", "AAAA"): ("2001:db8::1",),
        ("a.example", "MX"): ("10 mx.a.example.",),
        ("1.2.0.192.in-addr.arpa", "PTR"): ("mta.example.",),
        ("long.example", "TXT"): (LONG,),
        ("endless.example", "TXT"): tuple(f"{number}{'x' * 200}" for number in range(100)),
        ("broken.example", "TXT"): FAILS,
        ("silent.example", "TXT"): IS_SILENT,
    }
    with running_dns(zone) as server:
        yield server


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (question("A.example.", "TXT"), Answer(values=("one", "two"))),
        (question("a.example", "A"), Answer(values=("192.0.2.1",))),
        (question("a.example", "AAAA"), Answer(values=("2001:db8::1",))),
        (question("a.example", "MX"), Answer(values=("10 mx.a.example",))),
        (question("1.2.0.192.in-addr.arpa", "PTR"), Answer(values=("mta.example",))),
        (question("1.2.0.192.in-addr.arpa", "TXT"), Answer()),
        (question("nobody.example", "TXT"), Answer()),
        (question("long.example", "TXT"), Answer(values=(LONG,))),  # by TCP
        (question("endless.example", "TXT"), Answer(failure="the answer is too long")),
        (question("broken.example", "TXT"), Answer(failure="the name servers of the domain do not work")),
        (question("silent.example", "TXT"), Answer(failure="no answer in time")),
    ],
)
async def test_each_kind_of_answer_is_read(dns: DnsServer, asked: Question, answer: Answer) -> None:
    found = await Resolver(("127.0.0.1", dns.port)).look_up(asked, 0.3 if asked.name.startswith("silent") else 5)

    assert Answer(values=tuple(sorted(found.values)), failure=found.failure) == answer


async def test_an_answer_is_kept_and_a_failure_is_not(dns: DnsServer) -> None:
    resolver = Resolver(("127.0.0.1", dns.port))
    asked = [question(name, "TXT") for name in ("a.example", "nobody.example", "broken.example")]
    for each in asked:
        await resolver.look_up(each, 5)
    # A look-up may ask several times, as on a busy machine.
    before = dns.asked.copy()

    for each in asked:
        await resolver.look_up(each, 5)

    assert (dns.asked - before).keys() == {("broken.example", "TXT")}


async def test_the_look_ups_of_a_message_end_in_time(dns: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_ingest.authentication.lookups.MAX_SECONDS", 0.2)
    lookups = Lookups(Resolver(("127.0.0.1", dns.port)))

    await lookups.ask([question("silent.example", "TXT")])
    await lookups.ask([question("a.example", "TXT")])

    assert [each.failure for each in lookups.answers.values()] == [
        "no answer in time",
        "the look-ups took more than 0 seconds",
    ]


def test_the_cache_keeps_an_answer_for_its_time() -> None:
    cache = AnswerCache()
    asked = question("a.example", "TXT")

    cache.add(asked, Answer(values=("one",)), seconds=10, now=100)

    assert cache.get(asked, 109.9) == Answer(values=("one",))
    assert cache.get(asked, 110) is None


def test_the_cache_drops_the_oldest_answers_past_its_bound() -> None:
    cache = AnswerCache(max_octets=10_000)
    asked = [question(f"{number}.example", "TXT") for number in range(100)]

    for each in asked:
        cache.add(each, Answer(values=("x" * 400,)), seconds=10, now=0)

    kept = [each for each in asked if cache.get(each, 1)]
    assert kept == asked[-len(kept) :]
    assert 5 < len(kept) < 12

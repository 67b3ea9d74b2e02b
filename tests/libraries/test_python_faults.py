"""clients/python while the API or the network fails: nothing is lost, and nothing comes twice."""

import os
import smtplib
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from threading import Event
from urllib.parse import urlsplit

import httpx2
import pytest
from postgres import EmbeddedPostgres
from support.harness import Pair, running_pair
from support.relay import Relay, running_relay
from support.sender import Sender
from support.waiting import deadline

from fake_email_client import ListedMessage, Mail, Mailbox, NoMail, Problem

# The whole test takes minutes: `ALL=1 make test-libraries`.
ALL = bool(os.environ.get("ALL"))
SECONDS = 30
# Of the API, for a call that would be one too many.
RETRY_AFTER_SECONDS = 10


class World:
    """A pair on a Postgres of its own, and a relay between the client and the API."""

    def __init__(self, server: EmbeddedPostgres, pair: Pair, relay: Relay) -> None:
        self.server = server
        self.pair = pair
        self.relay = relay
        self.sender = Sender(pair.smtp_port)

    def deliver(self, address: str, subject: str) -> None:
        """Deliver as a mail server does, which tries again while it is deferred."""
        for _ in deadline():
            try:
                self.sender.text(address, subject)
            except smtplib.SMTPException:
                continue
            return


@pytest.fixture(scope="module")
def world(own_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    limits = {"TRUSTED_PROXIES": "127.0.0.1", "HTTP_MAX_CLIENT_STREAMS": "1"}
    with (
        running_pair(own_server.url, tmp_path_factory.mktemp("pair"), **limits) as pair,
        running_relay(urlsplit(pair.http_url).port or 0) as relay,
    ):
        yield World(own_server, pair, relay)


@contextmanager
def restarted(world: World) -> Iterator[None]:
    world.pair.services[-1].stop()
    try:
        yield
    finally:
        world.pair.start_http()


@contextmanager
def killed(world: World) -> Iterator[None]:
    world.pair.services[-1].kill()
    try:
        yield
    finally:
        world.pair.start_http()


@contextmanager
def cut(world: World) -> Iterator[None]:
    world.relay.cut()
    try:
        yield
    finally:
        world.relay.mend()


@contextmanager
def without_database(world: World) -> Iterator[None]:
    world.server.stop("immediate")
    try:
        yield
    finally:
        world.server.start()


Fault = Callable[[World], AbstractContextManager[None]]
FAULTS: list[Fault] = [restarted, cut, *([killed, without_database] if ALL else [])]


def subjects(streams: list[Generator[ListedMessage, None, None]]) -> list[str]:
    """The subject of the next message of each stream."""
    return [next(each).subject for each in streams]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__)
def test_a_fault_loses_no_mail_of_wait_and_of_a_stream(world: World, fault: Fault) -> None:
    with (
        Mail(world.relay.url) as mail,
        mail.mailbox(private=True) as box,
        mail.mailbox() as other,
        ThreadPoolExecutor() as threads,
    ):
        streams = [box.stream(), mail.stream([box, other])]
        world.deliver(box.address, "One")
        assert [box.wait().subject, *subjects(streams)] == ["One"] * 3
        waited, *streamed = threads.submit(box.wait, timeout=SECONDS), *(threads.submit(next, each) for each in streams)

        with fault(world):
            delivered = threads.submit(world.deliver, box.address, "Two")
            with pytest.raises((httpx2.TransportError, Problem)), Mail(world.relay.url, patience=0) as impatient:
                impatient.domains() if fault is not without_database else impatient.open(box.address, box.token).info()
        delivered.result()

        assert [waited.result().subject, *(each.result().subject for each in streamed)] == ["Two"] * 3
        world.deliver(box.address, "Three")
        assert [box.wait().subject, *subjects(streams)] == ["Three"] * 3
        for each in streams:
            each.close()


@pytest.mark.parametrize("octets", [0, 100, 600], ids=["nothing", "head", "body"])
def test_a_message_whose_response_is_cut_is_found_again(world: World, octets: int) -> None:
    with Mail(world.relay.url) as mail, mail.mailbox(private=True) as box:
        world.deliver(box.address, "One")
        cuts = [world.relay.cut_response(octets)]
        waited = box.wait()
        cuts.append(world.relay.cut_response(octets))
        with closing(box.stream()) as stream:
            assert [waited.subject, next(stream).subject] == ["One", "One"]
            assert all(each.is_set() for each in cuts)

            world.deliver(box.address, "Two")
            assert [box.wait().subject, next(stream).subject] == ["Two", "Two"]


def test_without_the_api_wait_says_at_the_deadline_that_it_was_away(world: World) -> None:
    with Mail(world.relay.url) as mail, mail.mailbox() as box, cut(world), ThreadPoolExecutor() as threads:
        waited = threads.submit(box.wait, timeout=1)
        none = threads.submit(box.expect_none, within=1)
        with pytest.raises(NoMail, match=r"No other mail came\.\nThe last call failed: \w+Error: "):
            waited.result()
        with pytest.raises(httpx2.TransportError):
            none.result()


@contextmanager
def limited(world: World) -> Iterator[tuple[Mailbox, Event]]:
    """A mailbox whose client may wait once at a time, and the event that a call was refused for that."""
    refused = Event()

    def watch(response: httpx2.Response) -> None:
        if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            refused.set()

    # Only a client of another host has limits.
    headers = {"X-Forwarded-For": "198.51.100.7"}
    with (
        httpx2.Client(headers=headers, event_hooks={"response": [watch]}) as http,
        Mail(world.pair.http_url, http=http).mailbox() as box,
    ):
        yield box, refused


def test_a_client_with_too_many_calls_is_told_so_when_the_pause_is_longer_than_the_wait(world: World) -> None:
    with limited(world) as (box, refused), ThreadPoolExecutor() as threads:
        waited = [threads.submit(box.wait, timeout=RETRY_AFTER_SECONDS - 1) for _ in range(2)]
        was_refused = refused.wait(SECONDS)
        world.deliver(box.address, "One")
        [error] = filter(None, [each.exception() for each in waited])

    assert was_refused
    assert isinstance(error, NoMail)
    assert "\nThe last call failed: Problem: 429 too_many_streams: " in str(error)


if ALL:

    def test_a_client_with_too_many_calls_waits_until_one_ends(world: World) -> None:
        with limited(world) as (box, refused), ThreadPoolExecutor() as threads:
            waited = [threads.submit(box.wait, timeout=SECONDS) for _ in range(2)]
            was_refused = refused.wait(SECONDS)
            for subject in "AB":
                world.deliver(box.address, subject)

            assert was_refused
            assert sorted(each.result().subject for each in waited) == ["A", "B"]


def test_a_failed_block_tells_its_own_error_when_the_mailbox_cannot_be_deleted(world: World) -> None:
    with Mail(world.relay.url, patience=0) as mail:
        box = mail.mailbox()
        with cut(world), pytest.raises(ZeroDivisionError), box:
            raise ZeroDivisionError
        box.close()

"""The position of a stream of clients/python in its mailboxes, without a service: where the next connection goes on."""

import json

import httpx2
import pytest

from fake_email_client.calls import Call
from fake_email_client.errors import Problem
from fake_email_client.stream import Position

CUT = httpx2.ReadError("reset")


def problem_of(code: str) -> httpx2.Response:
    return httpx2.Response(404, json={"code": code})


def connect(position: Position, *responses: httpx2.Response) -> tuple[list[Call], Call]:
    """The calls that a position makes before it connects, with these responses, and the call of the connection."""
    steps, left = position.connect(), [*responses]
    made: list[Call] = []
    try:
        made.append(next(steps))
        while True:
            made.append(steps.send(left.pop(0)))
    except StopIteration as end:
        call: Call = end.value
        return made, call


def event(name: str, **data: str) -> httpx2.ServerSentEvent:
    return httpx2.ServerSentEvent(event=name, data=json.dumps(data))


TICKET = httpx2.Response(201, json={"ticket": "t1", "expires_at": "2026-11-29T23:49:02Z"})
BOTH = {"ann@mx.test": "secret", "bob@mx.test": None}
INFO = httpx2.Response(200)


def test_a_stream_goes_on_after_the_last_event() -> None:
    position = Position({"ann@mx.test": "secret"}, 30, 2)
    made, first = connect(position)
    position.take(httpx2.ServerSentEvent(event="seen", data="{}", id="4"))
    position.take(event("of a newer API"))
    _, second = connect(position)

    assert (made, first.query, first.token) == ([], {"address": "ann@mx.test", "since": "2"}, "secret")
    assert "Last-Event-ID" not in first.headers
    assert second.headers["Last-Event-ID"] == "4"


def test_a_stream_of_several_mailboxes_takes_a_new_ticket_for_each_connection() -> None:
    position = Position(BOTH, 30, 0, uses_ticket=True)
    [ticket], stream = connect(position, TICKET)

    mailboxes = [{"address": "ann@mx.test", "token": "secret"}, {"address": "bob@mx.test", "token": None}]
    assert (ticket.method, ticket.path, ticket.body) == ("POST", "tickets", {"mailboxes": mailboxes})
    assert (stream.query, stream.token) == ({"ticket": "t1", "since": "0"}, None)


def info(address: str, last_seq: int) -> httpx2.Response:
    """The description of a mailbox."""
    times = dict.fromkeys(("created_at", "expires_at", "last_received_at"), "2026-11-29T23:49:02Z")
    numbers = dict.fromkeys(("message_count", "unseen_count", "stored_octets", "changes"), 0)
    quota = {"messages": 1, "octets": 1}
    about = {"temp_email_addr": address, "private": False, "quota": quota, "last_seq": last_seq}
    return httpx2.Response(200, json={**about, **times, **numbers})


def test_a_stream_from_now_on_keeps_the_moment_of_its_beginning_when_a_call_is_cut() -> None:
    position = Position(BOTH, 30, "now", uses_ticket=True)
    beginning = position.connect()
    next(beginning)
    beginning.send(info("ann@mx.test", 3))
    with pytest.raises(httpx2.ReadError):
        beginning.throw(CUT)
    position.pause(CUT)
    [asked, _], stream = connect(position, info("bob@mx.test", 7), TICKET)
    again, _ = connect(position, TICKET)

    assert asked.query == {"address": "bob@mx.test"}
    assert stream.query["since"] == "2026-11-29T23:49:02.000000+00:00"
    assert [each.path for each in again] == ["tickets"]


def test_a_stream_goes_on_without_the_mailboxes_that_are_over() -> None:
    position = Position({**BOTH, "eve@mx.test": None}, 30, 0, uses_ticket=True)
    position.opened()
    position.take(event("gone", temp_email_addr="eve@mx.test"))
    position.pause(Problem(problem_of("mailbox_not_found")))
    *asked, ticket = connect(position, problem_of("mailbox_not_found"), TICKET)[0]

    assert [each.query["address"] for each in asked] == ["ann@mx.test"]
    assert ticket.body == {"mailboxes": [{"address": "bob@mx.test", "token": None}]}


def test_a_stream_is_over_when_its_last_mailbox_goes_before_a_ticket_is_made() -> None:
    position = Position(BOTH, 30, 0, uses_ticket=True)
    position.opened()
    not_found = problem_of("mailbox_not_found")
    position.pause(Problem(not_found))
    with pytest.raises(Problem) as error:
        connect(position, not_found, not_found)
    position.pause(error.value)

    assert position.is_over


def test_a_ticket_that_is_refused_although_each_mailbox_is_there_is_a_problem() -> None:
    position = Position(BOTH, 30, 0, uses_ticket=True)
    position.opened()
    response = problem_of("mailbox_not_found")
    not_found = Problem(response)
    position.pause(not_found)
    with pytest.raises(Problem):
        connect(position, INFO, INFO, response)

    with pytest.raises(Problem):
        position.pause(not_found)


def test_a_stream_is_given_up_when_the_api_is_away_for_longer_than_the_patience() -> None:
    position = Position({"ann@mx.test": None}, 0.49, 0)
    position.opened()

    assert position.pause(CUT) >= 0.25
    with pytest.raises(httpx2.ReadError):
        position.pause(CUT)


def test_a_stream_is_over_when_its_mailbox_is_gone_after_a_cut() -> None:
    position = Position({"ann@mx.test": None}, 30, 0)
    position.opened()
    position.pause(CUT)
    position.pause(Problem(problem_of("mailbox_not_found")))

    assert position.is_over

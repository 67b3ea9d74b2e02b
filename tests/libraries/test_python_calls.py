"""The calls that clients/python makes, without a service: how a wait is split, and when a call is made again."""

import json
import pickle
import re
from collections.abc import Callable
from datetime import UTC, datetime

import httpx2
import pytest

from fake_email_client.calls import Call, Steps, T, fetch, insist
from fake_email_client.clauses import in_words, parameters
from fake_email_client.core import Core
from fake_email_client.errors import NoMail, Problem, in_lines
from fake_email_client.mcp_results import nothing_yet
from fake_email_client.schemas import DomainList, NearMiss
from fake_email_client.search import search
from fake_email_client.stream import Place

CUT = httpx2.ReadError("reset")
CALL = Call(path="domains")
NOW = datetime(2026, 11, 29, 23, 49, 2, tzinfo=UTC)


def problem(status: int, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def no_match(next_since: int) -> httpx2.Response:
    return httpx2.Response(404, headers={"Next-Since": str(next_since)}, json={"code": "no_match", "near_misses": []})


def result(steps: Steps[T], response: httpx2.Response) -> T:
    """The result of the steps, which this response ends."""
    with pytest.raises(StopIteration) as end:
        steps.send(response)
    value: T = end.value.value
    return value


def wait(seconds: float) -> Steps[object]:
    return search("ann@mx.test", None, 0, seconds, {"subject": "welcome"}, lambda _message: None)


def test_a_long_wait_is_split_into_calls_of_25_seconds_and_the_cursor_goes_on() -> None:
    steps = wait(40)
    first = next(steps)
    second = steps.send(no_match(next_since=3))

    assert first.query == {"subject": "welcome", "address": "ann@mx.test", "since": "0", "timeout": "25.000"}
    assert second.query["since"] == "3"


def test_a_wait_is_not_longer_than_its_timeout_but_for_the_second_that_the_api_waits_at_least() -> None:
    assert [next(wait(seconds)).query["timeout"] for seconds in (0, 1)] == ["1.000", "1.000"]
    assert 9 < float(str(next(wait(10)).query["timeout"])) <= 10


def test_a_wait_whose_time_is_over_raises_with_the_failure_of_the_last_call() -> None:
    steps = wait(1)
    next(steps)

    with pytest.raises(NoMail, match=r"within 1 s\. No other mail came\.\nThe last call failed: Problem: 503") as error:
        steps.send(problem(503, Retry_After="5"))
    assert isinstance(error.value.cause, Problem)
    assert error.value.cause is error.value.__cause__


@pytest.mark.parametrize(("returned", "said"), [(1, "1 message was"), (2, "2 messages were")])
def test_no_mail_says_how_many_messages_earlier_calls_returned(returned: int, said: str) -> None:
    steps = search("ann@mx.test", None, returned, 0, {}, lambda _message: None)
    next(steps)

    with pytest.raises(NoMail, match=rf"No other mail came; {said} returned before\.$"):
        steps.send(no_match(next_since=returned))


def test_no_mail_names_the_kind_of_the_link() -> None:
    steps = search("ann@mx.test", None, 0, 0, {"has": "link"}, lambda _message: None, "verify")
    next(steps)

    with pytest.raises(NoMail, match=r"^No mail with a link of the kind verify came to ann@mx\.test"):
        steps.send(no_match(next_since=0))


def test_no_mail_and_the_tool_for_language_models_say_what_was_not_stored() -> None:
    times = {"attempted_at": "2026-11-29T23:49:02Z"}
    refused = [
        {"stage": "data", "reply": "552 5.3.4 Too big", **times},
        {"stage": "commit", "reply": None, **times},
        {"stage": "commit", "reply": "250 2.6.0 Message stored", "message_id": "019c", **times},
    ]
    error = Problem(httpx2.Response(404, json={"code": "no_match", "near_misses": [], "refused": refused}))

    no_mail = NoMail("ann@mx.test", {}, 25, error.body.near_misses, error.body.refused)

    assert nothing_yet(0, no_mail, "").not_stored[:2] == ["data: 552 5.3.4 Too big", "commit: the sender left"]
    assert str(no_mail).endswith(
        "No other mail came.\nMail that was not stored:\n- data: 552 5.3.4 Too big\n- commit: the sender left\n"
        "- commit: a duplicate of the message 019c, which the mailbox had already"
    )


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_call_is_made_again_after_the_seconds_that_the_api_asks_for(status: int) -> None:
    steps = insist(CALL, 30)
    next(steps)

    assert steps.send(problem(status, Retry_After="7")).after == 7
    assert result(steps, problem(200)).status_code == 200


def test_a_call_that_was_cut_is_made_again_after_longer_and_longer_pauses() -> None:
    steps = insist(CALL, 30)
    next(steps)

    assert [steps.throw(CUT).after for _ in range(5)] == [0.25, 0.5, 1, 2, 2]


@pytest.mark.parametrize("retry_after", ["", "0", "soon"])
def test_a_retry_after_that_says_no_seconds_is_a_short_pause(retry_after: str) -> None:
    steps = insist(CALL, 30)
    next(steps)

    assert steps.send(problem(503, Retry_After=retry_after)).after == 0.25


def test_a_call_is_not_made_again_after_the_patience() -> None:
    steps = insist(CALL, 5)
    next(steps)

    with pytest.raises(Problem, match="429 unknown: Too Many Requests"):
        steps.send(problem(429, Retry_After="6"))


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_other_error_responses_are_raised_at_once(status: int) -> None:
    steps = insist(CALL, 30)
    next(steps)

    with pytest.raises(Problem) as error:
        steps.send(problem(status))
    assert error.value.status == status


def test_a_call_that_gives_out_an_exact_name_is_not_made_again_after_a_cut() -> None:
    steps = insist(CALL, 30, is_repeatable=False)
    next(steps)
    steps.send(problem(503))

    with pytest.raises(httpx2.ReadError):
        steps.throw(CUT)


@pytest.mark.parametrize(("text", "expected"), [("/a?b/", r"//a\?b//"), ("/", "/"), ("a/b", "a/b")])
def test_a_text_between_slashes_is_no_pattern(text: str, expected: str) -> None:
    assert parameters({"text": text}) == {"text": expected}
    assert in_words({"text": text}) == f' with text "{text}"'


def test_a_pattern_tells_upper_from_lower_case_unless_its_flag_says_otherwise() -> None:
    either = re.compile("ann", re.IGNORECASE)

    assert parameters({"subject": re.compile("Ann"), "from_": either}) == {"from": "/ann/", "subject": "/(?-i)Ann/"}


@pytest.mark.parametrize("value", [None, 5, re.compile(b"ann")])
def test_a_clause_that_is_no_text_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match=r"^subject: .* is neither a text nor a pattern"):
        parameters({"subject": value})  # type: ignore[typeddict-item]  # of a caller without a type checker


class FirstCall(Exception):
    """The first call of a method, in place of its response."""

    def __init__(self, call: Call) -> None:
        self.call = call


class Unanswered(Core):
    """A mailbox whose methods raise their first call."""

    def _run(self, steps: Steps[T]) -> T:
        raise FirstCall(next(steps))


BOX = Unanswered("ann@mx.test", None, "http://mx.test", 0)


@pytest.mark.parametrize("method", [BOX.clear, BOX.mark_all, BOX.messages])
def test_an_empty_query_is_sent_and_not_taken_for_none(method: Callable[[str], object]) -> None:
    with pytest.raises(FirstCall) as made:
        method("")

    assert made.value.call.query["query"] == ""


def test_a_kind_of_link_that_there_is_not_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no such kind of link: verfy; there are verify, reset"):
        BOX.link("verfy")  # type: ignore[arg-type]  # of a caller without a type checker


def test_what_a_sender_wrote_cannot_control_the_terminal_of_a_test() -> None:
    miss = NearMiss(id="1", seq=1, subject="a\u202eb", from_addr="a\x1b[31m@mx.test", received_at=NOW, failed=("text",))

    assert in_lines([miss]) == '- "a�b" from a�[31m@mx.test failed text'


@pytest.mark.parametrize("status", [200, 404, 501])
def test_the_page_of_another_server_asks_whether_the_url_is_right(status: int) -> None:
    steps = fetch(CALL, 30, DomainList)
    next(steps)

    with pytest.raises(Problem, match=rf"^{status} .*is the URL right"):
        steps.send(httpx2.Response(status, html="<h1>A shop</h1>"))


def test_an_error_goes_to_another_process_with_all_that_it_tells() -> None:
    cause = Problem(httpx2.Response(503, headers={"Retry-After": "7"}, json={"code": "database_away"}))
    error = NoMail("ann@mx.test", {"subject": "welcome"}, 25, [], (), cause, returned=2)

    again = pickle.loads(pickle.dumps(error))

    assert (type(again), str(again), again.refused) == (NoMail, str(error), ())
    assert (again.cause.code, again.cause.status, again.cause.headers["Retry-After"]) == ("database_away", 503, "7")


def test_the_page_of_a_proxy_is_a_problem_too() -> None:
    error = Problem(httpx2.Response(502, html="<h1>Bad Gateway</h1>"))

    assert (error.code, error.status, error.field, str(error)) == (
        "unavailable",
        502,
        None,
        "502 unavailable: Bad Gateway",
    )


def problem_of(code: str) -> httpx2.Response:
    return httpx2.Response(404, json={"code": code})


def connect(place: Place, *responses: httpx2.Response) -> tuple[list[Call], Call]:
    """The calls that a place makes before it connects, with these responses, and the call of the connection."""
    steps, left = place.connect(), [*responses]
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
    place = Place({"ann@mx.test": "secret"}, 30, 2)
    made, first = connect(place)
    place.take(httpx2.ServerSentEvent(event="seen", data="{}", id="4"))
    place.take(event("of a newer API"))
    _, second = connect(place)

    assert (made, first.query, first.token) == ([], {"address": "ann@mx.test", "since": "2"}, "secret")
    assert "Last-Event-ID" not in first.headers
    assert second.headers["Last-Event-ID"] == "4"


def test_a_stream_of_several_mailboxes_takes_a_new_ticket_for_each_connection() -> None:
    place = Place(BOTH, 30, 0, uses_ticket=True)
    [ticket], stream = connect(place, TICKET)

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
    place = Place(BOTH, 30, "now", uses_ticket=True)
    beginning = place.connect()
    next(beginning)
    beginning.send(info("ann@mx.test", 3))
    with pytest.raises(httpx2.ReadError):
        beginning.throw(CUT)
    place.pause(CUT)
    [asked, _], stream = connect(place, info("bob@mx.test", 7), TICKET)
    again, _ = connect(place, TICKET)

    assert asked.query == {"address": "bob@mx.test"}
    assert stream.query["since"] == "2026-11-29T23:49:02.000000+00:00"
    assert [each.path for each in again] == ["tickets"]


def test_a_stream_goes_on_without_the_mailboxes_that_are_over() -> None:
    place = Place({**BOTH, "eve@mx.test": None}, 30, 0, uses_ticket=True)
    place.opened()
    place.take(event("gone", temp_email_addr="eve@mx.test"))
    place.pause(Problem(problem_of("mailbox_not_found")))
    *asked, ticket = connect(place, problem_of("mailbox_not_found"), TICKET)[0]

    assert [each.query["address"] for each in asked] == ["ann@mx.test"]
    assert ticket.body == {"mailboxes": [{"address": "bob@mx.test", "token": None}]}


def test_a_stream_is_over_when_its_last_mailbox_goes_before_a_ticket_is_made() -> None:
    place = Place(BOTH, 30, 0, uses_ticket=True)
    place.opened()
    not_found = problem_of("mailbox_not_found")
    place.pause(Problem(not_found))
    with pytest.raises(Problem) as error:
        connect(place, not_found, not_found)
    place.pause(error.value)

    assert place.is_over


def test_a_ticket_that_is_refused_although_each_mailbox_is_there_is_a_problem() -> None:
    place = Place(BOTH, 30, 0, uses_ticket=True)
    place.opened()
    response = problem_of("mailbox_not_found")
    not_found = Problem(response)
    place.pause(not_found)
    with pytest.raises(Problem):
        connect(place, INFO, INFO, response)

    with pytest.raises(Problem):
        place.pause(not_found)


def test_a_stream_is_given_up_when_the_api_is_away_for_longer_than_the_patience() -> None:
    place = Place({"ann@mx.test": None}, 0.3, 0)
    place.opened()

    assert place.pause(CUT) >= 0.25
    with pytest.raises(httpx2.ReadError):
        place.pause(CUT)


def test_a_stream_is_over_when_its_mailbox_is_gone_after_a_cut() -> None:
    place = Place({"ann@mx.test": None}, 30, 0)
    place.opened()
    place.pause(CUT)
    place.pause(Problem(problem_of("mailbox_not_found")))

    assert place.is_over

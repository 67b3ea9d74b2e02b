"""The calls that clients/python makes, without a service: how a wait is split, and when a call is made again."""

import pickle

import httpx2
import pytest

from fake_email_client.calls import Call, Steps, T, fetch, insist
from fake_email_client.errors import NoMail, Problem
from fake_email_client.mcp_results import nothing_yet
from fake_email_client.schemas import DomainList
from fake_email_client.search import search

CUT = httpx2.ReadError("reset")
CALL = Call(path="domains")
NO_MATCH = {"code": "no_match", "near_misses": []}


def problem(status: int, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def no_match(next_since: int) -> httpx2.Response:
    return httpx2.Response(404, headers={"Next-Since": str(next_since)}, json=NO_MATCH)


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


@pytest.mark.parametrize("headers", [{}, {"Next-Since": "soon"}])
def test_a_wait_through_a_proxy_that_removes_the_cursor_says_so(headers: dict[str, str]) -> None:
    steps = wait(40)
    next(steps)

    with pytest.raises(Problem) as error:
        steps.send(httpx2.Response(404, headers=headers, json=NO_MATCH))
    assert str(error.value) == "404 unknown: No Next-Since: a proxy removed it."


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


@pytest.mark.parametrize("status", [200, 404, 501])
def test_the_page_of_another_server_asks_whether_the_url_is_right(status: int) -> None:
    steps = fetch(CALL, 30, DomainList)
    next(steps)

    with pytest.raises(Problem, match=rf"^{status} .*is the URL right"):
        steps.send(httpx2.Response(status, html="<h1>A shop</h1>"))


def test_a_server_that_moved_names_its_place() -> None:
    error = Problem(httpx2.Response(308, headers={"Location": "https://mx.test/api/domains"}))

    assert str(error).endswith("is the URL right, or is it https://mx.test/api/domains?)")


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

"""The responses that are kept for calls, and the bounds of them."""

import msgspec
import pytest

from http_api.live.call_shares import WHOLE_OCTETS
from http_api.live.kept_responses import MAILBOX_RESPONSES, MOST_OCTETS, SECONDS, Asked, KeptResponse, KeptResponses

NOW = 1_000.0


def asked(query: str) -> Asked:
    return Asked(path="/api/inbox/poll", query=query.encode(), token_sha256=None)


def response(address: str = "ann@mx.test", *, octets: int = 2, now: float = NOW) -> KeptResponse:
    return KeptResponse(address=address, revision="1", headers=(), body=b"x" * octets, until=now + SECONDS)


def keep(responses: KeptResponses, query: str, response: KeptResponse, now: float = NOW) -> None:
    """Have the response twice."""
    for _ in range(2):
        responses.keep(asked(query), response, now)


@pytest.fixture
def responses() -> KeptResponses:
    return KeptResponses()


def test_a_response_is_found_for_the_same_call_only(responses: KeptResponses) -> None:
    keep(responses, "a", response(), NOW)

    others = [
        asked("b"),
        Asked(path="/api/inbox/messages", query=b"a", token_sha256=None),
        Asked(path="/api/inbox/poll", query=b"a", token_sha256=b"t"),
    ]
    assert responses.find(asked("a"), NOW) == response()
    assert [responses.find(each, NOW) for each in others] == [None, None, None]


def test_a_response_is_kept_once_it_was_given_twice_at_the_same_revision(responses: KeptResponses) -> None:
    found = []
    for revision in ("1", "2", "2"):
        responses.keep(asked("a"), msgspec.structs.replace(response(), revision=revision), NOW)
        found.append(responses.find(asked("a"), NOW) is not None)

    assert found == [False, False, True]


def test_a_response_is_kept_for_a_minute(responses: KeptResponses) -> None:
    keep(responses, "a", response(), NOW)

    assert responses.find(asked("a"), NOW + SECONDS) is None


def test_old_answers_leave_when_another_is_kept(responses: KeptResponses) -> None:
    keep(responses, "a", response(), NOW)
    keep(responses, "b", response(now=NOW + SECONDS), NOW + SECONDS)

    assert len(responses) == 1


def test_a_large_response_or_query_is_not_kept(responses: KeptResponses) -> None:
    keep(responses, "a", response(octets=WHOLE_OCTETS + 1), NOW)
    keep(responses, "b" * 2_000, response(), NOW)

    assert (len(responses), responses.octets) == (0, 0)


def test_a_mailbox_keeps_its_newest_responses(responses: KeptResponses) -> None:
    for number in range(MAILBOX_RESPONSES + 1):
        keep(responses, str(number), response(), NOW)

    kept = [responses.find(asked(str(number)), NOW) is not None for number in range(MAILBOX_RESPONSES + 1)]
    assert kept == [False, *[True] * MAILBOX_RESPONSES]


def test_past_the_bound_the_response_that_was_not_used_for_longest_leaves(responses: KeptResponses) -> None:
    keep(responses, "used", response("used@mx.test"), NOW)
    for number in range(MOST_OCTETS // WHOLE_OCTETS):
        keep(responses, str(number), response(f"{number}@mx.test", octets=WHOLE_OCTETS), NOW)
        responses.find(asked("used"), NOW)

    assert [responses.find(asked(each), NOW) is not None for each in ("used", "0")] == [True, False]
    assert responses.octets <= MOST_OCTETS


def test_a_response_takes_the_place_of_the_one_before(responses: KeptResponses) -> None:
    keep(responses, "a", response(), NOW)
    octets = responses.octets
    responses.keep(asked("a"), response(), NOW)

    assert (len(responses), responses.octets) == (1, octets)

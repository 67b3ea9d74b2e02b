"""The position of a stream of several mailboxes, as one id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_api.protocol import stream_position


@given(st.dictionaries(st.emails(), st.integers(min_value=1, max_value=2**63 - 1), min_size=1, max_size=50))
def test_a_position_is_read_as_it_was_written(seqs: dict[str, int]) -> None:
    named = {stream_position.name(address): seq for address, seq in seqs.items()}
    assert stream_position.decode(stream_position.encode(named.items())) == named


def test_a_mailbox_without_a_message_takes_no_space() -> None:
    one, other = stream_position.name("a@mx.test"), stream_position.name("b@mx.test")
    assert stream_position.encode([(one, 0), (other, 7)]) == f"{other}.7"


def test_a_position_before_all_messages_is_a_position_too() -> None:
    names = [stream_position.name("a@mx.test"), stream_position.name("b@mx.test")]
    assert stream_position.decode(stream_position.encode((each, 0) for each in names)) == {names[0]: 0}


@pytest.mark.parametrize("value", ["", "7", "now", "a.1", ",", "aaaaaaaaaaaa.", "aaaaaaaaaaaa.-1", "aaaaaaaaaaaa.1,"])
def test_other_text_is_no_position(value: str) -> None:
    assert stream_position.decode(value) is None


def test_an_id_of_fifty_mailboxes_fits_into_a_header_field() -> None:
    names = [stream_position.name(f"{number}@mx.test") for number in range(50)]
    assert len(stream_position.encode((name, 10_000) for name in names)) < 1_024

"""The parameters of calls: addresses, message ids, cursors, tokens."""

import datetime
import hashlib

import pytest

from fake_email.errors import MessageNotFound
from fake_email.storage.message_list import Cursor
from http_api.protocol import parameters
from http_api.protocol.errors import BadInput

NOON = datetime.datetime(2026, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)


def sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@pytest.mark.parametrize("value", ["name@mx.test", "Name@MX.Test", "  name@mx.test  "])
def test_an_address_may_be_in_any_case_and_have_spaces_around_it(value: str) -> None:
    assert parameters.address(value) == "name@mx.test"


def test_the_domain_begins_after_the_last_at_sign() -> None:
    assert parameters.address('"a@b"@mx.test') == "a@b@mx.test"


@pytest.mark.parametrize("value", ['"Name"@mx.test', '"name+shop"@mx.test', '"na\\me"@mx.test', '"name shop"@mx.test'])
def test_a_quoted_local_part_is_the_same_address(value: str) -> None:
    assert parameters.address(value) == "name@mx.test"


@pytest.mark.parametrize("value", ['"@mx.test', '""@mx.test', '"name@mx.test', 'na"m"e@mx.test', '"na"me"@mx.test'])
def test_quotation_marks_elsewhere_stay(value: str) -> None:
    assert parameters.address(value) == value


@pytest.mark.parametrize("value", ["", " ", "name", "@", "name@", "@mx.test", "na\x00me@mx.test", "\x00"])
def test_text_that_is_not_an_address_is_refused_by_name(value: str) -> None:
    with pytest.raises(BadInput, match=r"^address: .* is not an address") as caught:
        parameters.address(value)

    assert caught.value.field == "address"


def test_a_long_value_is_not_repeated_in_full() -> None:
    with pytest.raises(BadInput) as caught:
        parameters.address("a" * 10_000)

    assert len(str(caught.value)) < 200


def test_without_since_the_cursor_is_the_start_of_the_mailbox() -> None:
    assert parameters.since(None) == Cursor()


@pytest.mark.parametrize(("value", "seq"), [("0", 0), ("7", 7), ("007", 7), (str(2**63 - 1), 2**63 - 1)])
def test_a_number_in_since_is_a_seq(value: str, seq: int) -> None:
    assert parameters.since(value) == Cursor(seq=seq)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00z",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00.0Z",
        "2026-01-31T12:00:00.000Z",
        "2026-01-31T12:00:00.000000Z",
        "2026-01-31T12:00:00.000000000000Z",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T12:00:00-00:00",
        "2026-01-31T14:00:00+02:00",
        "2026-01-31T08:30:00-03:30",
        "2026-02-01T11:59:00+23:59",
    ],
)
def test_a_time_may_be_in_every_form_of_rfc_3339(value: str) -> None:
    assert parameters.since(value) == Cursor(received_at=NOON)


@pytest.mark.parametrize("value", ["2026-01-31T14:00:00 02:00", "2026-01-31 14:00:00.0 02:00"])
def test_a_plus_that_the_query_turned_into_a_space_is_a_plus(value: str) -> None:
    assert parameters.since(value) == Cursor(received_at=NOON)


@pytest.mark.parametrize(("digits", "microseconds"), [("1", 100_000), ("12", 120_000), ("123456", 123_456)])
def test_fractions_of_a_second_are_kept(digits: str, microseconds: int) -> None:
    since = parameters.since(f"2026-01-31T12:00:00.{digits}Z")

    assert since == Cursor(received_at=NOON + microseconds * MICROSECOND)


def test_fractions_of_a_microsecond_are_dropped_so_that_no_message_is_skipped() -> None:
    assert parameters.since("2026-01-31T12:00:00.0000019Z") == Cursor(received_at=NOON + MICROSECOND)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "yesterday",
        "null",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x10",
        "1_000",
        "\u0661",  # a digit, in Arabic
        "5\n",
        "5\x00",
        str(2**63),
        "9" * 5_000,
        "2026-01-31",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00Z\n",
        "2026-01-31T12:00:00+0200",
        "2026-01-31T12:00:00+02",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T25:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "20260131T120000Z",
        "2026-W05-6T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "12026-01-31T12:00:00Z",
    ],
)
def test_text_that_is_neither_a_time_nor_a_seq_is_refused_by_name(value: str) -> None:
    with pytest.raises(BadInput, match=r"neither .* nor a message's seq, nor now\.$"):
        parameters.since_or_now(value)
    with pytest.raises(BadInput, match=r"^since: .* is neither a time, .*'s seq\.$") as caught:
        parameters.since(value)

    assert caught.value.field == "since"


@pytest.mark.parametrize("authorization", ["Bearer secret", "bearer secret", "BEARER   secret "])
def test_a_bearer_token_is_hashed(authorization: str) -> None:
    assert parameters.token_sha256(authorization) == sha256("secret")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic secret", "secret"])
def test_without_a_bearer_token_there_is_no_hash(authorization: str | None) -> None:
    assert parameters.token_sha256(authorization) is None


@pytest.mark.parametrize("authorization", [None, "Basic secret"])
def test_access_token_replaces_a_missing_bearer_token(authorization: str | None) -> None:
    assert parameters.token_sha256(authorization, "other") == sha256("other")


def test_a_bearer_token_takes_precedence_over_access_token() -> None:
    assert parameters.token_sha256("Bearer secret", "other") == sha256("secret")


def test_a_token_that_is_not_ascii_is_hashed_too() -> None:
    assert parameters.token_sha256("Bearer gehe\u00efm") == sha256("gehe\u00efm")


def test_times_are_written_in_utc_and_always_with_microseconds() -> None:
    in_berlin = NOON.astimezone(datetime.timezone(datetime.timedelta(hours=1)))

    assert parameters.rfc3339(NOON) == "2026-01-31T12:00:00.000000Z"
    assert parameters.rfc3339(in_berlin) == "2026-01-31T12:00:00.000000Z"
    assert parameters.rfc3339(NOON + MICROSECOND) == "2026-01-31T12:00:00.000001Z"


def test_a_written_time_is_read_as_the_same_time() -> None:
    moment = NOON + 123_456 * MICROSECOND

    assert parameters.since(parameters.rfc3339(moment)) == Cursor(received_at=moment)


@pytest.mark.parametrize("value", ["019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11", "019C1374-9A31-7C5E-8F4E-4A6F0B8F3C11"])
def test_the_id_of_a_message_is_a_uuid_in_upper_or_lower_case(value: str) -> None:
    assert str(parameters.message_id(value)) == value.lower()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "019c13749a317c5e8f4e4a6f0b8f3c11",
        "{019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11}",
        "urn:uuid:019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11",
        "0-1-9-c-1-3-7-49a317c5e8f4e4a6f0b8f3c11",
        "\uff1019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11",
        "019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11\n",
        "019c1374-9a31-7c5e-8f4e-4a6f0b8f3c1\x00",
    ],
)
def test_an_id_in_another_form_is_not_found(value: str) -> None:
    with pytest.raises(MessageNotFound):
        parameters.message_id(value)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (" Reader@MX.test ", "reader@mx.test"),
        ("reader+tag@mx.test", "reader@mx.test"),
        ("reader tag@mx.test", "reader@mx.test"),
        ("reader@münchen.test", "reader@xn--mnchen-3ya.test"),
    ],
)
def test_an_address_is_read_as_mail_is_delivered_to_it(value: str, address: str) -> None:
    assert parameters.address(value) == address

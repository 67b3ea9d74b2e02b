"""The subject, the address and the date that a message's header section gives a reader."""

import datetime

import pytest

from fake_email import parse


def content(field: str) -> bytes:
    """A message with this field."""
    return f"{field}\r\n\r\nx\r\n".encode()


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        ("=?utf-8?q?J=C3=BCrgen_k=C3=BChn?=", "Jürgen kühn"),
        ("=?iso-8859-1?B?SvxyZ2Vu?=", "Jürgen"),
        ("=?utf-8?b?xb4=?= =?utf-8?b?bMM=?=\r\n =?utf-8?b?rQ==?=", "žlí"),
        ("one =?utf-8?q?two?= three", "one two three"),
        ("=?utf-8?Q?Really??= =?utf-8?Q?_yes?=", "Really? yes"),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Ftwice=3F=3D?=", "twice"),
        ("=?no-such?q?J=C3=BC?=", "Jü"),
        ("=?utf-8?x?kept?=", "=?utf-8?x?kept?="),
        ("a line\r\n\tand another", "a line and another"),
        ("null\0 and bell\a", "null and bell"),
    ],
)
def test_a_subject_is_shown_decoded_on_one_line(field: str, subject: str) -> None:
    parsed = parse.parse(content(f"Subject: {field}"))

    assert parsed.subject == subject


@pytest.mark.parametrize(
    ("octets", "subject"),
    [
        ("Žluťoučký kůň".encode(), "Žluťoučký kůň"),
        (b"J\xfcrgen", "Jürgen"),
        ("Žluťoučký kůň".encode()[:-1], "Žluťoučký ků\ufffd"),
    ],
    ids=["UTF-8", "Latin-1", "UTF-8 cut in a character"],
)
def test_raw_octets_in_a_subject_are_shown(octets: bytes, subject: str) -> None:
    parsed = parse.parse(b"Subject: " + octets + b"\r\n\r\nx\r\n")

    assert parsed.subject == subject


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("=?utf-8?q?a=40b=2Ec=2C?= <real@x.test>", "real@x.test"),
        ("=?utf-8?q?x@y?= <real@x.test>", "real@x.test"),
        ('"not@this.one" <real@x.test>', "real@x.test"),
        ('"a <b@c.test>" <real@x.test>', "real@x.test"),
        ("not@this.one <real@x.test>", "real@x.test"),
        ("Doe, John <real@x.test>", "real@x.test"),
        ("real@x.test (not@this.one (nor@this))", "real@x.test"),
        ("real@x.test, other@x.test", "real@x.test"),
        ("One <real@x.test> Two <other@x.test>", "real@x.test"),
        ("list: real@x.test, other@x.test;", "real@x.test"),
        ("<@relay.test:real@x.test>", "real@x.test"),
        ('"John Doe"@x.test', '"John Doe"@x.test'),
        ('"never closed <real@x.test>', "real@x.test"),
        ("Jö <ö@ü.test>", "ö@ü.test"),
        ("nobody in particular", ""),
        ("<>", ""),
        ("<" + "a" * 320 + "@x.test>", ""),
    ],
)
def test_the_address_is_that_of_the_first_mailbox_in_the_undecoded_field(field: str, address: str) -> None:
    parsed = parse.parse(content(f"From: {field}"))

    assert parsed.from_address == address


def test_the_from_field_is_shown_decoded() -> None:
    parsed = parse.parse(content("From: =?utf-8?q?J=C3=BCrgen?= <j@example.test>"))

    assert parsed.from_header == "Jürgen <j@example.test>"


@pytest.mark.parametrize(
    "field", ["", "yesterday", "Mon, 1 Jan 2024 00:00:00 +9999", "31 Dec 9999 23:59:59 -1200", "9" * 5000]
)
def test_an_unreadable_date_is_none(field: str) -> None:
    parsed = parse.parse(content(f"Date: {field}"))

    assert parsed.date_header is None


def test_a_date_without_a_zone_is_taken_as_utc() -> None:
    parsed = parse.parse(content("Date: Fri, 1 Mar 2024 12:30:00 -0000"))

    assert parsed.date_header == datetime.datetime(2024, 3, 1, 12, 30, tzinfo=datetime.UTC)

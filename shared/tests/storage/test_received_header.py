"""The trace lines before a message's source."""

import datetime
import email
import email.policy
import email.utils
import uuid

import pytest

from fake_email.storage.incoming_message import Trace
from fake_email.storage.received_header import header

MESSAGE_ID = uuid.UUID("0190a8b2-5f0e-7000-8000-000000000001")
RECEIVED_AT = datetime.datetime(2026, 11, 22, 20, 30, 5, 123_456, tzinfo=datetime.UTC)


def lines(
    *,
    client_address: str = "192.0.2.1",
    host_name: str = "client.test",
    protocol: str = "ESMTP",
    tls: str = "",
    reverse_path: str = "writer@client.test",
    recipient: str = "reader@mx.test",
) -> bytes:
    return header(
        Trace(client_address=client_address, host_name=host_name, protocol=protocol, tls=tls),
        message_id=MESSAGE_ID,
        reverse_path=reverse_path,
        recipient=recipient,
        received_at=RECEIVED_AT,
        by="mx.test",
    )


def test_the_lines_are_those_of_rfc_5321() -> None:
    assert lines() == (
        b"Return-Path: <writer@client.test>\r\n"
        b"Received: from client.test ([192.0.2.1])\r\n"
        b"\tby mx.test with ESMTP\r\n"
        b"\tid 0190a8b2-5f0e-7000-8000-000000000001\r\n"
        b"\tfor <reader@mx.test>; Sun, 22 Nov 2026 20:30:05 +0000\r\n"
    )


def test_the_null_reverse_path_is_an_empty_pair_of_angle_brackets() -> None:
    assert lines(reverse_path="").startswith(b"Return-Path: <>\r\n")


def test_tls_follows_the_protocol() -> None:
    header_lines = lines(protocol="ESMTPS", tls="TLSv1.3 TLS_AES_256_GCM_SHA384")

    assert b"\tby mx.test with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n" in header_lines


@pytest.mark.parametrize(
    ("address", "literal"),
    [
        ("2001:db8::1", b"([IPv6:2001:db8::1])"),
        ("2001:0DB8:0:0::1", b"([IPv6:2001:db8::1])"),
        ("192.0.2.9", b"([192.0.2.9])"),
    ],
)
def test_the_clients_address_is_an_address_literal(address: str, literal: bytes) -> None:
    assert b"Received: from client.test " + literal + b"\r\n" in lines(client_address=address)


@pytest.mark.parametrize("address", ["", "unix"])
def test_an_invalid_address_is_omitted(address: str) -> None:
    assert b"Received: from client.test\r\n" in lines(client_address=address)


def test_a_message_from_before_traces_were_stored_has_both_fields_too() -> None:
    header_lines = lines(client_address="", host_name="", protocol="", tls="")

    assert b"Received: from unknown\r\n\tby mx.test with SMTP\r\n" in header_lines


def test_characters_beyond_ascii_are_utf_8() -> None:
    header_lines = lines(reverse_path="grüße@client.test", recipient="grüße@mx.test", protocol="UTF8SMTP")

    assert header_lines.count("<grüße@".encode()) == 2


@pytest.mark.parametrize("length", [1, 255])
def test_no_line_is_longer_than_998_octets(length: int) -> None:
    header_lines = lines(host_name="x" * length, reverse_path="y" * length, recipient="z" * length)

    assert max(len(line) for line in header_lines.split(b"\r\n")) <= 998


def test_a_parser_reads_the_lines_as_two_fields_before_the_sources_own() -> None:
    read = email.message_from_bytes(lines() + b"Subject: x\r\n\r\nbody\r\n", policy=email.policy.default)

    assert read.keys() == ["Return-Path", "Received", "Subject"]
    assert email.utils.parsedate_to_datetime(read["Received"].rpartition("; ")[2]) == RECEIVED_AT.replace(microsecond=0)

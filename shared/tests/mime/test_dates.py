"""The Date field."""

import datetime

import pytest

from fake_email import parse
from fake_email.mime import dates

NINE = datetime.datetime(2026, 11, 2, 9, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "field",
    [
        "Mon, 02 Nov 2026 10:00:00 +0100",
        "Mon, 2 Nov 2026 10:00:00 +0100 (CET)",
        "2 Nov 2026 10:00 +0100",
        "lun., 2 Nov 2026 10:00:00 +0100",
        "Пн, 2 Nov 2026 10:00:00 +0100",
        "Mon,2 Nov 2026 10:00:00 +0100",
        "Mon, 2 Nov 26 10:00:00 +0100",
        "Mon, 2-Nov-2026 09:00:00 GMT",
        "Mon, 02 Nov 2026 10:00:00 GMT +0100",
        "Mon, 02 Nov 2026 10:00:00 GMT+01:00",
        "Mon, 02 Nov 2026 10:00:00 +01:00",
        "Mon, 02 Nov 2026 10:00:00 +1",
        "Mon (the (second)) , 2 Nov (x) 2026 10:00 (y) +0100",
        "Mon, 02 Nov 2026 05:30:00 -0330",
        "Mon, 02 Nov 2026 04:00:00 EST",
        "Mon, 02 Nov 2026 09:00:00 -0000",
        "Mon, 02 Nov 2026 10:00:00 CET",
        "2026-11-02T10:00:00+01:00",
        "2026-11-02T09:00:00.000Z",
        "2026-11-02 10:00:00 +0100",
        "Mon Nov  2 10:00:00 2026 +0100",
        "Mon Nov  2 09:00:00 UTC 2026",
        "Mon, 02 Nov 2026 09:00:00 A",  # RFC 5322 §4.3: each military zone counts as UTC
        "Mon, 02 Nov 2026 09:00:00 y",
    ],
)
def test_a_date_is_read_in_the_forms_that_senders_write(field: str) -> None:
    assert dates.read(field) == NINE


@pytest.mark.parametrize(
    "field",
    [
        "",
        "yesterday",
        "Mon, 1 Jan 2024 00:00:00 +9999",
        "31 Dec 9999 23:59:59 -1200",
        "9" * 5000,
        "Mon, 32 Nov 2026 10:00:00 +0100",
        "Mon, 02 Foo 2026 10:00:00 +0100",
        "2026-13-02T10:00:00Z",
    ],
)
def test_an_unreadable_date_is_none(field: str) -> None:
    assert parse.parse(f"Date: {field}\r\n\r\nx\r\n".encode()).date_header is None


def test_an_encoded_date_is_read() -> None:
    parsed = parse.parse(b"Date: =?utf-8?Q?Mon=2C_02_Nov_2026_10:00:00_+0100?=\r\n\r\nx\r\n")

    assert parsed.date_header == NINE


@pytest.mark.parametrize("zone", ["", "J", "XYZ", "Etc/GMT", "+", "(CET)", "Europe/Berlin", "+2500"])
@pytest.mark.parametrize("moment", ["Mon, 02 Nov 2026 10:00:00", "2026-11-02T10:00:00", "Mon Nov  2 10:00:00 2026"])
def test_a_date_whose_zone_cannot_be_read_is_none(moment: str, zone: str) -> None:
    assert dates.read(f"{moment} {zone}") is None

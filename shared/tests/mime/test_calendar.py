"""Invitations."""

import pytest

from fake_email import parse
from fake_email.mime import calendar

INVITATION = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Berlin
DTSTART:19700101T000000
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY;LANGUAGE=en:Review\\, third
  quarter
DTSTART;TZID="Europe/Berlin":20261105T140000
DTEND;TZID="Europe/Berlin":20261105T150000
LOCATION:Room 4\\nSecond floor
DESCRIPTION:SUMMARY:no
END:VEVENT
END:VCALENDAR
"""
LINE = "Review, third quarter, 2026-11-05 14:00 to 15:00 (Europe/Berlin), Room 4 Second floor"


def event(*lines: str) -> str:
    return "\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (INVITATION, LINE),
        (event("SUMMARY:Call", "DTSTART:20261105T140000Z", "DTEND:20261106T150000Z"),
         "Call, 2026-11-05 14:00 to 2026-11-06 15:00 (UTC)"),
        (event("SUMMARY:Holiday", "DTSTART;VALUE=DATE:20261105"), "Holiday, 2026-11-05"),
        (event("DTSTART:20261105T140000", "LOCATION:here"), "2026-11-05 14:00, here"),
        (event("DTSTART:20261105T143000Z", "DURATION:PT1H45M"), "2026-11-05 14:30 to 16:15 (UTC)"),
        (event("DTSTART;TZID=x:20261105T230000", "DURATION:+P1W2DT2H"), "2026-11-05 23:00 to 2026-11-15 01:00 (x)"),
        (event("DTSTART;VALUE=DATE:20261105", "DURATION:P2D"), "2026-11-05 to 2026-11-07"),
        (event("DTSTART:20261105T143000", "DURATION:P9999DT99999M"), "2026-11-05 14:30 to 2054-05-31 01:09"),
        (event("DTSTART:20261105T143000", "DURATION:-PT1H"), "2026-11-05 14:30"),
        (event("DTSTART:99991231T143000", "DURATION:P9D"), "9999-12-31 14:30"),
        (event("DTSTART:20261399T993000", "DURATION:P1D"), "2026-13-99 99:30"),
        (event("DURATION:P1D", "SUMMARY:Call"), "Call"),
        (event("BEGIN:VALARM", "END:VALARM", "SUMMARY:Call"), "Call"),
        (event(), ""),
        ("BEGIN:VCALENDAR", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_an_event_is_summed_up_on_one_line(text: str, line: str) -> None:
    assert calendar.summary(text) == line


def test_an_invitation_alone_has_its_summary_as_its_text() -> None:
    parsed = parse.parse(f"Content-Type: text/calendar; method=REQUEST\r\n\r\n{INVITATION}".encode())

    assert (parsed.text, [each.type for each in parsed.attachments]) == (LINE, ["text/calendar"])


@pytest.mark.parametrize(("note", "text"), [("", LINE), ("See you there.", "See you there.")])
def test_an_invitation_is_summed_up_only_where_there_is_no_text(note: str, text: str) -> None:
    content = (
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\n{note}\r\n"
        f"--b\r\nContent-Type: text/calendar\r\n\r\n{INVITATION}\r\n--b--\r\n"
    )

    assert parse.parse(content.encode()).text == text


def test_a_hostile_calendar_is_bounded() -> None:
    long = event(*["SUMMARY" + ";A=b" * 10_000 + ":x", "SUMMARY:" + "y\\" * 40_000])

    assert len(calendar.summary(long)) <= 1_000

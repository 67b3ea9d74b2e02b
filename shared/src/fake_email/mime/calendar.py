"""A line that says what, when and where an invitation (iCalendar, RFC 5545) is. Pure."""

import datetime
import re

CHARACTERS = 64 * 1024  # read of a calendar
_VALUE_CHARACTERS = 300

_FOLD = re.compile(r"\r?\n[ \t]")
_EVENT = re.compile(r"^BEGIN:(?:VEVENT|VTODO)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_END = re.compile(r"^END:(?:VEVENT|VTODO)", re.MULTILINE | re.IGNORECASE)
_PROPERTY = re.compile(
    r"^(SUMMARY|DTSTART|DTEND|DUE|DURATION|LOCATION)((?:;[A-Z-]{1,40}=(?:\"[^\"\n]{0,200}\"|[^\":;\n]{0,200}))*):([^\r\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_ZONE = re.compile(r"TZID=\"?([^\";]+)", re.IGNORECASE)
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(?:\d\d)?(Z?))?")
_DURATION = re.compile(
    r"\+?P(?:(\d{1,3})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:\d{1,6}S)?)?\Z", re.IGNORECASE
)
_ESCAPED = re.compile(r"\\([\\;,nN])")


def summary(text: str) -> str:
    """The first event on one line, `Review, 2026-11-05 14:00 to 15:00 (Europe/Berlin), Room 4`; "" without an event."""
    text = _FOLD.sub("", text[:CHARACTERS])
    begin = _EVENT.search(text)
    if begin is None:
        return ""
    end = _END.search(text, begin.end())
    found: dict[str, str] = {}
    zone = ""
    for match in _PROPERTY.finditer(text, begin.end(), end.start() if end else len(text)):
        name = match[1].upper()
        found.setdefault(name, match[3].strip())
        named = _ZONE.search(match[2])
        if name == "DTSTART" and named:
            zone = named[1]
    start = found.get("DTSTART", "")
    end_of = found.get("DTEND", "") or found.get("DUE", "") or _after(start, found.get("DURATION", ""))
    when = _when(start, end_of, zone)
    return ", ".join(filter(None, (_plain(found.get("SUMMARY", "")), when, _plain(found.get("LOCATION", "")))))


def _when(start: str, end: str, zone: str) -> str:
    first, last = _MOMENT.match(start), _MOMENT.match(end)
    if first is None:
        return _moment(last) if last else ""
    until = ""
    if last:
        until = _moment(last)
        if first[4] and last.groups()[:3] == first.groups()[:3]:
            until = until[len("2026-11-05 ") :]
    zone = "UTC" if first[6] else zone[:_VALUE_CHARACTERS]
    return _moment(first) + (f" to {until}" if until else "") + (f" ({zone})" if zone else "")


def _after(start: str, duration: str) -> str:
    """The end of an event with this start and duration, as iCalendar writes it; empty where one cannot be read."""
    match = _DURATION.match(duration)
    if match is None or not _MOMENT.match(start):
        return ""
    weeks, days, hours, minutes = (int(number or 0) for number in match.groups())
    form = "%Y%m%dT%H%M" if "T" in start else "%Y%m%d"
    try:
        began = datetime.datetime.strptime(start[: 13 if "T" in start else 8], form)  # noqa: DTZ007 - no zone is meant
        ended = began + datetime.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
    except (ValueError, OverflowError):
        return ""
    return ended.strftime(form) if ended > began else ""


def _moment(match: re.Match[str]) -> str:
    year, month, day, hour, minute, _ = match.groups()
    return f"{year}-{month}-{day}" + (f" {hour}:{minute}" if hour else "")


def _plain(value: str) -> str:
    text = _ESCAPED.sub(lambda match: " " if match[1] in "nN" else match[1], value[: 2 * _VALUE_CHARACTERS])
    return " ".join(text.split())[:_VALUE_CHARACTERS]

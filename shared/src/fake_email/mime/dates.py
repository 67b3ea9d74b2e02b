"""The Date field (RFC 5322 §3.3), as senders write it. Pure."""

import datetime
import re

CHARACTERS = 200  # of the field read

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_USUAL = re.compile(
    r"(?:[A-Za-z]{3}, )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d\d)(\d\d)(?: \([A-Z]+\))?", re.ASCII
)
_COMMENT = re.compile(r"\([^()]*\)")
_WEEKDAY = r"(?:[^\d\s,]{1,40}\s*,?\s*)?"  # in any language
_MONTH = r"(?P<month>[a-z]{3,9})\.?"
_TIME = (
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2})(?:[.,]\d{1,9})?)?"
    r"\s*(?P<half>[ap]\.?m\.?\b)?"
)
_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        # Fri, 1 Mar 2024 12:30:00 +0200
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})[\s-]+{_MONTH}[\s,-]+(?P<year>\d{{2,4}}),?\s+{_TIME}",
        # 2024-03-01T12:30:00+02:00 (ISO 8601, RFC 3339)
        rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})(?:T|\s+){_TIME}",
        # Fri Mar 1 12:30:00 2024, as `ctime` and `date` write it; the zone is before or behind the year
        rf"{_WEEKDAY}{_MONTH}\s+(?P<day>\d{{1,2}}),?(?:\s+(?P<year>\d{{4}}),?)?\s+{_TIME}",
    )
]
_LATE_YEAR = re.compile(r"\s*(?:(?P<before>[^\d\s]{1,9}|[+-]\d\d:?\d\d)\s+)?(?P<year>\d{4})(?!\d)")
_OFFSET = re.compile(r"(?:(?:UTC?|GMT|Z)?\s*(?P<sign>[+-])\s*(?P<hours>\d{1,2}):?(?P<minutes>\d\d)?(?!\d))")
_ZONE = re.compile(r"[a-z]+", re.IGNORECASE)
# Hours from UTC: RFC 5322 §4.3, and the names that stand for one offset everywhere.
_ZONES = {
    **dict.fromkeys(("ut", "utc", "gmt"), 0),
    **dict.fromkeys("abcdefghiklmnopqrstuvwxyz", 0),  # military zones, which many wrote with the wrong sign
    "edt": -4,
    "est": -5,
    "cdt": -5,
    "cst": -6,
    "mdt": -6,
    "mst": -7,
    "pdt": -7,
    "pst": -8,
    "wet": 0,
    "west": 1,
    "cet": 1,
    "met": 1,
    "cest": 2,
    "mest": 2,
    "eet": 2,
    "eest": 3,
    "msk": 3,
    "jst": 9,
    "kst": 9,
    "aest": 10,
    "aedt": 11,
    "nzst": 12,
    "nzdt": 13,
}
_NOON = 12
_DAY_MINUTES = 24 * 60
_CENTURY = 100
_FIRST_TWO_DIGIT_YEAR = 50  # RFC 5322 §4.3: 00 to 49 are of this century


def read(text: str) -> datetime.datetime | None:
    """The moment in UTC; None for a date that cannot be read, also when its zone is missing or cannot be read."""
    text = text[:CHARACTERS].strip()
    try:
        usual = _USUAL.fullmatch(text)
        if usual:
            return _usual_moment(*usual.groups())
        for _ in range(4):  # comments nest
            text = _COMMENT.sub(" ", text).strip()
        match = next(filter(None, (form.match(text) for form in _FORMS)), None)
        return _moment(match, text[match.end() :]) if match else None
    except (ValueError, OverflowError):
        return None


def _usual_moment(
    day: str, month: str, year: str, hour: str, minute: str, second: str, hours: str, minutes: str
) -> datetime.datetime:
    offset = int(hours) * 60 + int(hours[0] + minutes)
    if abs(offset) >= _DAY_MINUTES:
        raise ValueError(hours)
    number = _MONTHS.index(month.lower()) + 1
    moment = datetime.datetime(
        int(year), number, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=datetime.UTC
    )
    return moment - datetime.timedelta(minutes=offset)


def _moment(match: re.Match[str], rest: str) -> datetime.datetime | None:
    year = match["year"]
    if year is None:
        late = _LATE_YEAR.match(rest)
        if late is None:
            return None
        year, rest = late["year"], late["before"] or rest[late.end() :]
    offset = _offset(rest.strip(' "'))
    if offset is None:
        return None
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % _NOON + _NOON * match["half"].lower().startswith("p")
    month = match["month"].lower()
    moment = datetime.datetime(
        _year(year),
        int(month) if month.isdecimal() else _MONTHS.index(month[:3]) + 1,
        int(match["day"]),
        hour,
        int(match["minute"]),
        min(int(match["second"] or 0), 59),  # a leap second has no place in a datetime
        tzinfo=datetime.timezone(offset),
    )
    return moment.astimezone(datetime.UTC)


def _year(digits: str) -> int:
    year = int(digits)
    if year < _CENTURY:
        return year + (2000 if year < _FIRST_TWO_DIGIT_YEAR else 1900)
    return year + (1900 if len(digits) == 3 else 0)  # noqa: PLR2004  # RFC 5322 §4.3: three digits count from 1900


def _offset(zone: str) -> datetime.timedelta | None:
    number = _OFFSET.match(zone)
    if number:
        hours, minutes = int(number["hours"]), int(number["minutes"] or 0)
        if minutes >= 60:  # noqa: PLR2004
            return None
        offset = datetime.timedelta(hours=hours, minutes=minutes)
        return -offset if number["sign"] == "-" else offset
    name = _ZONE.match(zone)
    hours_from_utc = _ZONES.get(name[0].lower()) if name else None
    return None if hours_from_utc is None else datetime.timedelta(hours=hours_from_utc)

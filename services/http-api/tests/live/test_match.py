"""The clauses of a `wait` call: which messages meet them, and which patterns are refused."""

import datetime
import uuid

import pytest

from fake_email.storage.match_candidates import MatchCandidate
from fake_email.storage.message_conditions import Has
from http_api.live import match
from http_api.protocol.errors import BadInput


def candidate(
    *,
    from_header: str = "",
    from_address: str = "",
    reverse_path: str = "",
    subject: str = "",
    text: str = "",
    cc_people: str = "",
    codes: tuple[str, ...] = (),
    has_link: bool = False,
    has_attachment: bool = False,
) -> MatchCandidate:
    return MatchCandidate(
        id=uuid.UUID(int=1),
        seq=1,
        received_at=datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC),
        reverse_path=reverse_path,
        from_header=from_header,
        from_address=from_address,
        subject=subject,
        text=text,
        recipient="ann@mail.example.org",
        to_people="Ann Lee\nann.lee@example.net",
        cc_people=cc_people,
        reply_to_people="help@example.net",
        codes=[*codes],
        has_link=has_link,
        has_attachment=has_attachment,
        seen=False,
        octets=1_000,
    )


def failed(
    message: MatchCandidate, *, from_: str = "", subject: str = "", text: str = "", has: tuple[Has, ...] = ()
) -> list[str]:
    return match.failed(match.clauses(from_=from_, subject=subject, text=text, has=has), message)


@pytest.mark.parametrize(
    ("wanted", "subject"),
    [
        ("code", "Your code"),
        ("CODE", "your code"),
        ("code", "YOUR CODE"),
        ("gr\u00fc\u00dfe", "GR\u00dcSSE"),
        ("STRASSE", "Stra\u00dfe 7"),
        ("\u043a\u043e\u0434", "\u041a\u041e\u0414"),
        ("\u03a3", "\u03c3 and \u03c2"),
        ("\u9a8c\u8bc1\u7801", "\u60a8\u7684\u9a8c\u8bc1\u7801"),
        ("a.c", "a.c"),
        ("/", "a/b"),
        ("//", "http://x"),
        ("(", "(unbalanced"),
        (" ", "a b"),
    ],
)
def test_text_is_found_in_upper_and_lower_case(wanted: str, subject: str) -> None:
    assert failed(candidate(subject=subject), subject=wanted) == []


@pytest.mark.parametrize(("wanted", "subject"), [("code", "cod"), ("a.c", "abc"), ("code ", "code"), ("x", "")])
def test_text_that_is_not_there_is_not_found(wanted: str, subject: str) -> None:
    assert failed(candidate(subject=subject), subject=wanted) == ["subject"]


@pytest.mark.parametrize(
    ("wanted", "subject"),
    [
        ("/[0-9]{6}/", "is 123456."),
        ("/^your/", "Your code"),
        ("/CODE$/", "your code"),
        ("/gr\u00fc.e/", "GR\u00dc\u00dfE"),
        (r"/\pL+ \pN+/", "\u041a\u043e\u0434 42"),
        ("/a/b/", "x a/b"),
        ("/^.$/", "\u9a8c"),
        (r"/\bfoo\b|bar/", "a foo"),
        ("/(?-i:B)/", "aB"),
    ],
)
def test_a_regular_expression_stands_between_slashes(wanted: str, subject: str) -> None:
    assert failed(candidate(subject=subject), subject=wanted) == []


@pytest.mark.parametrize(
    ("wanted", "subject"), [("/^code/", "your code"), ("/[0-9]{6}/", "12345"), ("/(?-i:b)/", "aB"), ("/a.b/", "a\nb")]
)
def test_a_regular_expression_that_finds_nothing_fails(wanted: str, subject: str) -> None:
    assert failed(candidate(subject=subject), subject=wanted) == ["subject"]


@pytest.mark.parametrize(
    "wanted", ["jurgen", "J\u00dcRGEN", "@client.test", "/^jurgen@client\\.test$/", "/^j\u00fcrgen /"]
)
def test_from_matches_the_header_field_as_shown_and_the_address_alone(wanted: str) -> None:
    message = candidate(from_header="J\u00fcrgen <jurgen@client.test>", from_address="jurgen@client.test")

    assert failed(message, from_=wanted) == []


def test_a_from_field_without_an_address_is_replaced_by_the_envelope() -> None:
    assert failed(candidate(from_header="Nobody", reverse_path="bounces@client.test"), from_="bounces@") == []


def test_a_from_field_with_an_address_is_not_replaced_by_the_envelope() -> None:
    message = candidate(from_header="a@author.test", from_address="a@author.test", reverse_path="bounces@client.test")

    assert failed(message, from_="bounces@") == ["from"]


@pytest.mark.parametrize("has", ["code", "link", "attachment"])
def test_has_matches_a_message_with_a_code_a_link_or_an_attachment(has: Has) -> None:
    full = candidate(codes=("1",) * (has == "code"), has_link=has == "link", has_attachment=has == "attachment")

    assert failed(full, has=(has,)) == []
    assert failed(candidate(), has=(has,)) == [f"has={has}"]


def test_every_clause_must_be_met_and_the_failed_ones_are_named() -> None:
    message = candidate(from_header="a@author.test", from_address="a@author.test", subject="Hello", text="there")

    assert failed(message, from_="author", subject="hello", text="THERE") == []
    assert failed(message, from_="author", subject="bye", text="/^where/", has=("code", "link")) == [
        "subject",
        "has=code",
        "has=link",
        "text",
    ]


def test_without_clauses_every_message_matches() -> None:
    assert failed(candidate()) == []


@pytest.mark.parametrize("before", [0, 1, 65_530, 65_535, 65_536, 1_000_000])
def test_text_is_found_however_far_down_it_is(before: int) -> None:
    message = candidate(text="\u00df" * before + "Ma\u00dfstab" + "x" * 1_000)

    assert failed(message, text="MASSSTAB") == []
    assert failed(message, text="massstabe") == ["text"]


def test_a_regular_expression_searches_the_first_256_kib() -> None:
    assert failed(candidate(text="x" * 262_139 + "found"), text="/found/") == []
    assert failed(candidate(text="x" * 262_140 + "found"), text="/found/") == ["text"]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("/(/", "missing"),
        ("/[/", "missing"),
        ("/a**/", "repetition"),
        (r"/\1/", "escape"),
        ("/(?=a)/", "perl"),
        (r"/\pX/", "range"),
        ("/a{1001}/", "repetition"),
        ("/((a{0,100}){0,100}){0,100}/", "repetition"),
    ],
)
@pytest.mark.parametrize("field", ["from", "subject", "text"])
def test_a_pattern_that_re2_does_not_know_is_refused_with_the_reason(field: str, pattern: str, reason: str) -> None:
    asked = {"from": "", "subject": "", "text": ""} | {field: pattern}

    with pytest.raises(BadInput) as refused:
        match.clauses(from_=asked["from"], subject=asked["subject"], text=asked["text"], has=())

    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field}: not a regular expression of RE2: ")
    assert reason in str(refused.value)


@pytest.mark.parametrize("pattern", ["/(?:.{1,50}){1,20}zz/", r"/(?:\pL{1,50}){1,20}/", "/(.{0,90}a){0,8}z/"])
def test_a_pattern_that_would_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(BadInput, match="large"):
        failed(candidate(), text=pattern)


def test_what_is_looked_for_has_at_most_500_characters() -> None:
    assert failed(candidate(subject="x" * 500), subject="x" * 500) == []
    with pytest.raises(BadInput, match="subject: longer than 500 characters"):
        failed(candidate(), subject="x" * 501)

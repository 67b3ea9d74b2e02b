"""The search language: which terms a query has, what they match, and what is refused with which words."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_email.storage.message_conditions import Condition, HasAny, HasCode, IsSeen, LargerThan, ReceivedBefore
from http_api.live import search_language
from http_api.live.search_language import ColumnTerm, TextTerm
from http_api.protocol.errors import BadInput

_MONTH = datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)


def text_terms(value: str) -> list[tuple[str, str]]:
    """The field and the value of each term, which must all be of text; `-` in front of a negated field."""
    terms = search_language.parse(value)
    assert all(isinstance(term, TextTerm) for term in terms)
    return [("-" * term.is_negated + term.field, term.value) for term in terms if isinstance(term, TextTerm)]


@pytest.mark.parametrize(
    ("value", "terms"),
    [
        ("", []),
        ("  \t ", []),
        ("welcome", [("any", "welcome")]),
        ("welcome ann", [("any", "welcome"), ("any", "ann")]),
        ("welcome welcome", [("any", "welcome")]),
        ('"your code" ann', [("any", "your code"), ("any", "ann")]),
        ('from:ann subject:"your code"', [("from", "ann"), ("subject", "your code")]),
        ("FROM:ann to:shop", [("from", "ann"), ("to", "shop")]),
        ('cc:bob -Reply-To:"the desk"', [("cc", "bob"), ("-reply-to", "the desk")]),
        ("x-y:z", [("any", "x-y:z")]),
        ('-welcome -from:ann !subject:"a b"', [("-any", "welcome"), ("-from", "ann"), ("-subject", "a b")]),
        ("https://example.com/a", [("any", "https://example.com/a")]),
        ('-"a: b" re:', [("-any", "a: b"), ("any", "re:")]),
        ("foo - bar", [("any", "foo"), ("any", "-"), ("any", "bar")]),
        ("/usr/bin", [("any", "/usr/bin")]),
        ("a/b/c", [("any", "a/b/c")]),
        ("it's 5\" wide", [("any", "it's"), ("any", '5"'), ("any", "wide")]),
        ("\u9a8c\u8bc1\u7801 gr\u00fc\u00dfe", [("any", "\u9a8c\u8bc1\u7801"), ("any", "gr\u00fc\u00dfe")]),
    ],
)
def test_words_and_phrases_are_terms(value: str, terms: list[tuple[str, str]]) -> None:
    assert text_terms(value) == terms


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("/[0-9]{6}/", "[0-9]{6}"),
        ("/code is [0-9]+/", "code is [0-9]+"),
        (r"/a\/b/", r"a\/b"),
        (r"subject:/\//", r"\/"),
    ],
)
def test_a_regular_expression_stands_between_slashes(value: str, pattern: str) -> None:
    [term] = search_language.parse(value)
    assert isinstance(term, TextTerm)
    assert term.is_pattern
    assert term.value == pattern


def test_slashes_within_quotation_marks_are_characters() -> None:
    [term] = search_language.parse('"/a/"')
    assert isinstance(term, TextTerm)
    assert (term.is_pattern, term.value) == (False, "/a/")


@pytest.mark.parametrize(
    ("value", "condition"),
    [
        ("has:code", Condition(column=HasAny(what="code"))),
        ("-has:Attachment", Condition(column=HasAny(what="attachment"), is_negated=True)),
        ("is:read", Condition(column=IsSeen())),
        ("is:unread", Condition(column=IsSeen(), is_negated=True)),
        ("-is:unread", Condition(column=IsSeen())),
        ("code:482913", Condition(column=HasCode(value="482913"))),
        ("before:2026-01-31", Condition(column=ReceivedBefore(moment=_MONTH))),
        ("after:2026-01-31", Condition(column=ReceivedBefore(moment=_MONTH), is_negated=True)),
        ("before:2026-01-31T01:00:00+01:00", Condition(column=ReceivedBefore(moment=_MONTH))),
        ("larger:2K", Condition(column=LargerThan(octets=2_048))),
        ("larger:1mb", Condition(column=LargerThan(octets=1_048_576))),
        ("smaller:100", Condition(column=LargerThan(octets=99), is_negated=True)),
    ],
)
def test_columns_are_asked_for_by_name(value: str, condition: Condition) -> None:
    [term] = search_language.parse(value)
    assert isinstance(term, ColumnTerm)
    assert term.condition == condition


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ('"open', "query: '\"open' has no closing quotation mark."),
        ("from:", "query: 'from:' asks for nothing; add a word or a \"phrase\"."),
        ('""', 'query: \'""\' asks for nothing; add a word or a "phrase".'),
        ("has:atachment", "query: 'has:atachment': has: is followed by code, link or attachment."),
        ("is:new", "query: 'is:new': is: is followed by read or unread."),
        ("code:", "query: 'code:': code: is followed by a code, as in code:482913."),
        ("code:4\x00", "query: 'code:4\\x00': code: is followed by a code, as in code:482913."),
        ("after:monday", "query: 'after:monday': not a date or a time, as in 2026-01-31 or 2026-01-31T12:00:00Z."),
        ("larger:big", "query: 'larger:big': not a size, as in 20000, 500K or 2M."),
        (
            "form:ann",
            "query: 'form:ann': form: is unknown; did you mean from:? Quotation marks make it text to search for.",
        ),
        (
            "reply:a",
            "query: 'reply:a': reply: is unknown; did you mean reply-to:? Quotation marks make it text to search for.",
        ),
        ("is:tagged", "query: 'is:tagged': is: is followed by read or unread."),
        ("x" * 501, "query: longer than 500 characters."),
        (" ".join(map(str, range(21))), "query: more than 20 terms."),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused_with_what_to_do(value: str, sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        search_language.parse(value)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("name", ["Tag", "bcc", "addressed", "message-id", "message_id"])
def test_a_name_of_mailpit_is_refused_with_the_names_that_there_are(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        search_language.parse(f"-{name}:x")
    assert str(caught.value) == (
        f"query: '-{name}:x': {name.lower()}: is unknown; there are from:, to:, cc:, reply-to:, subject:, text:,"
        " has:, is:, code:, after:, before:, larger:, smaller:. Quotation marks make it text to search for."
    )


@given(st.text(alphabet=st.sampled_from('ab:"-!/\\ \t\u3000fromhas'), max_size=40))
def test_every_query_is_parsed_or_refused(value: str) -> None:
    try:
        terms = search_language.parse(value)
    except BadInput:
        return
    assert len(terms) <= search_language.MAX_TERMS
    assert bool(terms) == bool(value.strip())

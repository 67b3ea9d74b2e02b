"""The arguments of MAIL, RCPT and BDAT."""

import pytest

from smtp_ingest import arguments, replies
from smtp_ingest.arguments import Chunk, MailParameters, Path, PathArgument


def parsed(text: str) -> PathArgument:
    argument = arguments.parse_path(text)
    assert argument is not None
    return argument


# Paths


def test_a_path_is_a_local_part_and_a_domain() -> None:
    assert parsed("<writer@client.test>").path == Path(
        given="writer@client.test", local_part="writer", domain="client.test"
    )


@pytest.mark.parametrize("text", ["<>", " <>", "<> ", "<> SIZE=10"])
def test_the_null_path_is_empty(text: str) -> None:
    assert parsed(text).path == Path(given="", local_part="", domain="")


def test_a_source_route_is_dropped() -> None:
    route = parsed("<@one.test,@two.test:writer@client.test>")

    assert route.path == parsed("<writer@client.test>").path


def test_a_domain_may_be_missing() -> None:
    assert parsed("<Postmaster>").path == Path(given="Postmaster", local_part="Postmaster", domain="")


@pytest.mark.parametrize(
    ("quoted", "local_part"),
    [
        ('"two words"', "two words"),
        ('"an@sign"', "an@sign"),
        ('"<angle>"', "<angle>"),
        (r'"a \"quote\" and \\"', 'a "quote" and \\'),
        ('""', ""),
        ('"grüße"', "grüße"),
    ],
)
def test_a_quoted_local_part_is_unquoted(quoted: str, local_part: str) -> None:
    argument = parsed(f"<{quoted}@client.test>")

    assert argument.path == Path(given=f"{quoted}@client.test", local_part=local_part, domain="client.test")


def test_a_path_is_kept_as_given_but_for_the_case_of_its_domain() -> None:
    assert parsed("<Writer+Tag@Client.TEST>").path == Path(
        given="Writer+Tag@Client.TEST", local_part="Writer+Tag", domain="client.test"
    )


def test_a_path_may_have_non_ascii_letters() -> None:
    assert parsed("<grüße@bücher.test>").path.given == "grüße@bücher.test"


@pytest.mark.parametrize("text", ["<a@b.test> SIZE=10", " <a@b.test> SIZE=10", "  <a@b.test>   SIZE=10  "])
def test_spaces_around_the_path_do_not_matter(text: str) -> None:
    assert parsed(text) == parsed("<a@b.test> SIZE=10")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a@b.test",
        "<",
        ">",
        "<a@b.test",
        "a@b.test>",
        "<<a@b.test>",
        "<a@b.test>>",
        "<<a@b.test>>",
        "><",
        "<a@b.test>(",
        "<a@>",
        "<@b.test>",
        "<@>",
        "<@b.test:>",
        "<a@b@c.test>",
        "<a b@c.test>",
        "<a@b .test>",
        "< a@b.test>",
        "<a@b.test >",
        '<"open@b.test>',
        '<"a"b@c.test>',
        '<a"b"@c.test>',
        '<"a\\"@c.test>',
    ],
)
def test_text_that_is_not_a_path_in_brackets_is_malformed(text: str) -> None:
    assert arguments.parse_path(text) is None


@pytest.mark.parametrize("control", ["\0", "\a", "\t", "\r", "\x1b", "\x7f"])
@pytest.mark.parametrize("text", ["<a{}b@c.test>", '<"a{}b"@c.test>', "<a@b{}c.test>"])
def test_a_path_with_a_control_character_is_malformed(text: str, control: str) -> None:
    assert arguments.parse_path(text.format(control)) is None


def test_a_path_may_have_256_octets() -> None:
    given = "ü" + "a" * (256 - 2 - len("@b.test")) + "@b.test"

    assert parsed(f"<{given}>").path.given == given


def test_a_path_of_257_octets_is_malformed() -> None:
    given = "ü" + "a" * (257 - 2 - len("@b.test")) + "@b.test"

    assert arguments.parse_path(f"<{given}>") is None


# Parameters


def test_parameters_are_known_by_their_keyword_in_upper_case() -> None:
    argument = parsed("<a@b.test> Size=10 smtputf8 X-Own=Value")

    assert argument.parameters == {"SIZE": "10", "SMTPUTF8": None, "X-OWN": "Value"}


def test_a_parameter_may_follow_the_null_path() -> None:
    assert parsed("<> BODY=8BITMIME").parameters == {"BODY": "8BITMIME"}


def test_the_value_of_a_parameter_may_contain_brackets() -> None:
    assert parsed("<a@b.test> AUTH=<>").parameters == {"AUTH": "<>"}


@pytest.mark.parametrize(
    "parameters", ["<c@d.test>", "=10", "SIZE=", "SIZE==10", "SIZE=1=0", "-SIZE=1", "SI_ZE=1", "SIZE=1 size=2"]
)
def test_a_malformed_parameter_makes_all_parameters_malformed(parameters: str) -> None:
    assert parsed(f"<a@b.test> {parameters}").parameters is None


# The mailbox of a path


@pytest.mark.parametrize("given", ["reader@mx.test", "READER@MX.TEST", "Reader+tag@mx.test", "reader+a+b@mx.test"])
def test_case_and_tag_do_not_change_the_mailbox(given: str) -> None:
    assert arguments.mailbox_address(parsed(f"<{given}>").path, "other.test") == "reader@mx.test"


def test_a_domain_in_unicode_is_its_domain_in_ascii() -> None:
    assert arguments.mailbox_address(parsed("<reader@MÜNCHEN.test>").path, "mx.test") == "reader@xn--mnchen-3ya.test"


def test_a_quoted_local_part_has_the_mailbox_of_the_same_unquoted_local_part() -> None:
    assert arguments.mailbox_address(parsed('<"reader"@mx.test>').path, "other.test") == "reader@mx.test"


def test_the_postmaster_needs_no_domain() -> None:
    assert arguments.mailbox_address(parsed("<PostMaster>").path, "mx.test") == "postmaster@mx.test"


def test_another_local_part_without_a_domain_has_no_mailbox() -> None:
    assert arguments.mailbox_address(parsed("<reader>").path, "mx.test") == "reader@"


# The parameters of MAIL


def test_mail_without_parameters_is_ascii_of_an_unknown_size() -> None:
    assert arguments.check_mail_parameters({}) == MailParameters(octets=0, is_utf8=False)


def test_the_size_is_a_number_of_octets() -> None:
    assert arguments.check_mail_parameters({"SIZE": "26214400"}) == MailParameters(octets=26_214_400, is_utf8=False)


def test_a_size_may_have_very_many_digits() -> None:
    assert arguments.check_mail_parameters({"SIZE": "9" * 2_000}) == MailParameters(
        octets=int("9" * 2_000), is_utf8=False
    )


def test_smtputf8_has_no_value() -> None:
    assert arguments.check_mail_parameters({"SMTPUTF8": None}) == MailParameters(octets=0, is_utf8=True)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("BODY", "7BIT"), ("BODY", "8BITMIME"), ("BODY", "8bitMime"), ("AUTH", "<>"), ("AUTH", "a+40b.test")],
)
def test_a_parameter_without_an_effect_here_is_accepted(keyword: str, value: str) -> None:
    assert arguments.check_mail_parameters({keyword: value}) == MailParameters(octets=0, is_utf8=False)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("SIZE", None),
        ("SIZE", "-1"),
        ("SIZE", "ten"),
        ("SIZE", "1_0"),
        ("SIZE", "²"),
        ("SIZE", "٣"),
        ("BODY", None),
        ("BODY", "BINARYMIME"),
        ("SMTPUTF8", "yes"),
    ],
)
def test_an_invalid_value_is_refused(keyword: str, value: str | None) -> None:
    assert arguments.check_mail_parameters({keyword: value}) == replies.BAD_PARAMETER


@pytest.mark.parametrize(
    ("keyword", "value"), [("RET", "HDRS"), ("ENVID", "QQ314159"), ("NOTIFY", "NEVER"), ("AUTH", None), ("X", None)]
)
def test_an_unknown_keyword_is_refused(keyword: str, value: str | None) -> None:
    assert arguments.check_mail_parameters({keyword: value}) == replies.UNKNOWN_PARAMETER


def test_malformed_parameters_are_refused() -> None:
    assert arguments.check_mail_parameters(None) == replies.BAD_PARAMETER


def test_one_invalid_parameter_of_several_is_refused() -> None:
    assert arguments.check_mail_parameters({"SIZE": "10", "BODY": "7BIT", "RET": "FULL"}) == replies.UNKNOWN_PARAMETER


# BDAT


@pytest.mark.parametrize(
    ("argument", "octets", "is_last"),
    [("0", 0, False), ("10", 10, False), ("0 LAST", 0, True), ("10 last", 10, True), ("010  LAST", 10, True)],
)
def test_a_chunk_has_a_size_and_may_be_the_last(argument: str, octets: int, is_last: bool) -> None:
    assert arguments.parse_chunk(argument) == Chunk(octets=octets, is_last=is_last)


@pytest.mark.parametrize(
    "argument", ["", "LAST", "-1", "+1", "1.0", "1_0", "²", "٣", "1 FIRST", "1LAST", "1 LAST 2", "1" * 21]
)
def test_an_argument_without_a_size_is_malformed(argument: str) -> None:
    assert arguments.parse_chunk(argument) is None

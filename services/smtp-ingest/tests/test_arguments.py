"""What the arguments of MAIL and RCPT say."""

import pytest

from smtp_ingest import arguments
from smtp_ingest.arguments import Argument, Path


def parsed(text: str) -> Argument:
    argument = arguments.parse(text)
    assert argument is not None
    return argument


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


def test_letters_beyond_ascii_are_taken() -> None:
    assert parsed("<grüße@bücher.test>").path.given == "grüße@bücher.test"


@pytest.mark.parametrize("text", ["<a@b.test> SIZE=10", " <a@b.test> SIZE=10", "  <a@b.test>   SIZE=10  "])
def test_blanks_around_the_path_do_not_matter(text: str) -> None:
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
def test_what_is_no_path_in_brackets_is_not_taken(text: str) -> None:
    assert arguments.parse(text) is None


@pytest.mark.parametrize("control", ["\0", "\a", "\t", "\r", "\x1b", "\x7f"])
@pytest.mark.parametrize("text", ["<a{}b@c.test>", '<"a{}b"@c.test>', "<a@b{}c.test>"])
def test_a_control_character_is_in_no_path(text: str, control: str) -> None:
    assert arguments.parse(text.format(control)) is None


def test_a_path_of_256_octets_is_taken() -> None:
    given = "ü" + "a" * (256 - 2 - len("@b.test")) + "@b.test"

    assert parsed(f"<{given}>").path.given == given


def test_a_path_of_257_octets_is_too_long() -> None:
    given = "ü" + "a" * (257 - 2 - len("@b.test")) + "@b.test"

    assert arguments.parse(f"<{given}>") is None


def test_parameters_are_known_by_their_keyword_in_upper_case() -> None:
    argument = parsed("<a@b.test> Size=10 smtputf8 X-Own=Value")

    assert argument.parameters == {"SIZE": "10", "SMTPUTF8": None, "X-OWN": "Value"}


def test_a_parameter_is_taken_after_the_null_path() -> None:
    assert parsed("<> BODY=8BITMIME").parameters == {"BODY": "8BITMIME"}


def test_the_value_of_a_parameter_may_have_brackets() -> None:
    assert parsed("<a@b.test> AUTH=<>").parameters == {"AUTH": "<>"}


@pytest.mark.parametrize(
    "parameters", ["<c@d.test>", "=10", "SIZE=", "SIZE==10", "SIZE=1=0", "-SIZE=1", "SI_ZE=1", "SIZE=1 size=2"]
)
def test_what_is_no_parameter_is_not_taken(parameters: str) -> None:
    assert parsed(f"<a@b.test> {parameters}").parameters is None


@pytest.mark.parametrize("given", ["reader@mx.test", "READER@MX.TEST", "Reader+tag@mx.test", "reader+a+b@mx.test"])
def test_case_and_tag_do_not_change_the_mailbox(given: str) -> None:
    assert arguments.mailbox_address(parsed(f"<{given}>").path, "other.test") == "reader@mx.test"


def test_a_quoted_local_part_is_the_mailbox_of_the_plain_one() -> None:
    assert arguments.mailbox_address(parsed('<"reader"@mx.test>').path, "other.test") == "reader@mx.test"


def test_the_postmaster_needs_no_domain() -> None:
    assert arguments.mailbox_address(parsed("<PostMaster>").path, "mx.test") == "postmaster@mx.test"


def test_what_else_has_no_domain_is_nobodys() -> None:
    assert arguments.mailbox_address(parsed("<reader>").path, "mx.test") == "reader@"

"""The CSS of a mail that is kept."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import css_syntax
from support.css_syntax import Token

from fake_email.html import css


def no_image(_url: str) -> None:
    """Resolve every image to none."""


def same(url: str) -> str:
    """Resolve every image to its own URL."""
    return url


@pytest.mark.parametrize(
    "written",
    [
        "color:red",
        "color:#f00!important",
        "background:rgba(0, 0, 0, .5)",
        "width:calc(100% - 10px)",
        "font-family:'Comic Sans MS',Arial",
        'font-family:"日本語"',
        "background-image:linear-gradient(90deg,rgb(1,2,3),#fff)",
        "position:relative",
        "display:none !important",
    ],
)
def test_declarations_that_mail_needs_are_kept(written: str) -> None:
    assert css.declarations(written, no_image) == written


@pytest.mark.parametrize(
    "written",
    [
        "behavior:url(x)",
        "content:'x'",
        "position:fixed",
        "position:absolute",
        "position:sticky",
        "transform:scale(9)",
        "--x:1",
        "width:expression(alert(1))",
        "color:var(--x)",
        "color:re\\64",
        "c\\6flor:red",
        "background:image-set('https://a.test/' 1x)",
        "background:URL (x)",
        "background:url(x",
        "background:src('https://a.test/')",
        "color:red}p{color:blue",
        "color:</style>",
        "font-family:'</style>'",
        "font-family:'a\nb'",
        "font-family:'a",
        "color:rgb(1",
        "color",
        ":red",
        "@import 'x'",
        "color:\x00red",
        "po/**/sition:static",
        "co/* */lor:red",
        "color:red)",
        "color:)rgb(1",
        "background:aurl(x)",
        "background:u\\72l(x)",
        "background:url(x y)",
        "background:url('a'b)",
        "font-family:'a\rb'",
        "font-family:'a\fb'",
        "font-family:'a\\'b'",
    ],
)
def test_all_other_declarations_are_left_out(written: str) -> None:
    assert css.declarations(written, same) == ""


def test_declarations_beside_one_that_is_left_out_are_kept() -> None:
    assert css.declarations("color:red;position:fixed;margin:0", no_image) == "color:red;margin:0"


def test_a_semicolon_in_a_string_or_in_brackets_does_not_end_a_declaration() -> None:
    assert css.declarations("font-family:'a;b';background:url(a;b);color:red", same) == (
        "font-family:'a;b';background:url(\"a;b\");color:red"
    )


def test_the_colour_of_a_shorthand_is_kept_without_its_image() -> None:
    assert (
        css.declarations("background:#fff url('https://a.test/') no-repeat", no_image)
        == "background:#fff none no-repeat"
    )


@pytest.mark.parametrize("written", ["url(https://a.test/)", "url( 'https://a.test/' )", 'URL("https://a.test/")'])
def test_an_image_that_may_be_shown_is_written_in_one_way(written: str) -> None:
    assert css.declarations(f"background:{written}", same) == 'background:url("https://a.test/")'


@pytest.mark.parametrize("written", ["/* */color/**/:/**/red/*", "color:red/*;position:fixed*/", "color:red/**/ /**/"])
def test_comments_are_left_out(written: str) -> None:
    assert css.declarations(written, no_image) == "color:red"


def test_a_comment_between_tokens_stays_as_a_blank() -> None:
    assert css.declarations("font:12px/**/Arial,a/*x*/b", no_image) == "font:12px Arial,a b"


def test_a_comment_in_a_selector_stays_as_an_empty_one() -> None:
    assert css.sheet("/* a */a/* b */.b{color:red}", no_image).rules == "a/**/.b{color:red}"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        # Once comments were gone, another one began.
        ("color:red/<!--*;font-family:'*/;position:fixed'", "font-family:'*/;position:fixed'"),
        ("color:red//**/*;font-family:'*/;position:fixed'", "color:red/ *;font-family:'*/;position:fixed'"),
        ("color:red;font-family:'a/*';position:fixed;x:'*/'", "color:red;font-family:'a/*'"),
        # The quotes of a resolved image ended the string around it.
        ("font-family:'url(x);position:fixed;x:'", "font-family:'url(x);position:fixed;x:'"),
        ('font-family:"url(x);position:fixed;url(y)"', 'font-family:"url(x);position:fixed;url(y)"'),
        # A new line ends a string without its quote.
        ("font-family:'\n;position:fixed;color:'red'", "color:'red'"),
        ("font-family:'a\\';position:fixed;x:'", ""),
        # The text only looked like a URL.
        ("background:url(a'b);position:fixed;x:')'", ""),
        ("background:url(a\\);position:fixed;x:y)", ""),
        ("color:red;background:u\\72l(';position:fixed;x:');margin:0", "color:red;margin:0"),
    ],
)
def test_text_that_was_checked_as_one_thing_is_not_written_as_another(written: str, kept: str) -> None:
    assert css.declarations(written, same) == kept


@pytest.mark.parametrize(
    "written",
    [
        "a[b='\n']{position:fixed;x:']{color:red}",
        "a[b='\n'],c{color:red}",
        "a[b='\r'],c{color:red}",
        "a[b='\f'],c{color:red}",
        "a)b({color:red}",
        "a[b(]){color:red}",
        "a:is(url(x)){color:red}",
        "a:is(url('{position:fixed}')){color:red}",
        "a/<!--*{color:red}",
        "@media (]{a{color:red}}",
        "@media )({a{color:red}}",
    ],
)
def test_a_rule_whose_selector_would_be_read_otherwise_is_left_out(written: str) -> None:
    assert css.sheet(f"{written}b{{color:red}}", same).rules in {"b{color:red}", ""}


def test_a_name_in_place_of_an_image_does_not_join_the_name_behind_it() -> None:
    assert css.declarations("background:url(x)no-repeat,url(y)calc(1px)", no_image) == (
        "background:none no-repeat,none calc(1px)"
    )


def test_the_rules_of_a_style_element_are_kept_for_their_media() -> None:
    written = "a{color:red}@media (max-width:600px){.b>p:first-child,#c{margin:0}}"

    assert css.sheet(written, no_image).rules == written


@pytest.mark.parametrize(
    "written",
    [
        "@font-face{font-family:x;src:url(y)}",
        "@keyframes x{from{color:red}}",
        "@layer a{p{color:red}}",
        "@import 'a.css';",
        "@charset 'utf-8';",
        "p{q{color:red}}",
        "p:after{content:'x'}",
        "p\\{{color:red}",
        "</style>{color:red}",
        "a[b='</style>']{color:red}",
        "{color:red}",
        "p{",
        "}}}",
    ],
)
def test_other_rules_are_left_out_and_those_around_them_are_kept(written: str) -> None:
    assert css.sheet(f"a{{color:red}}{written}", same).rules == "a{color:red}"


def test_a_rule_behind_one_that_is_left_out_is_kept() -> None:
    assert css.sheet("@font-face{src:url(x)}p{q{r{}}}a{color:red}", no_image).rules == "a{color:red}"


def test_a_group_that_is_never_closed_is_closed() -> None:
    assert css.sheet("@media all{a{color:red}", no_image).rules == "@media all{a{color:red}}"


def test_imported_sheets_are_named() -> None:
    assert css.sheet("@import url('https://a.test/a.css');@import \"b.css\" screen;", no_image).imports == (
        "https://a.test/a.css",
        "b.css",
    )


def test_rules_over_the_limit_are_left_out() -> None:
    assert css.sheet("a{color:red}" * (css.RULES + 1), no_image).rules.count("{") == css.RULES


def test_a_rule_behind_a_string_with_braces_is_kept() -> None:
    assert css.sheet("a[b='}']{color:red}c{font-family:'{'}d{color:red}", no_image).rules == "d{color:red}"


@pytest.mark.parametrize("media", ["screen", "(max-width:600px)", "only screen and (min-width: 1px), print"])
def test_media_of_a_style_element_are_kept(media: str) -> None:
    assert css.media_query(f" {media} ") == media


@pytest.mark.parametrize("media", ["", "(", ")", "a{", "a;b", "url(x)", "'a'", "a\\b", "</style>", "(]", "a}b", "/*"])
def test_media_that_would_be_read_otherwise_are_left_out(media: str) -> None:
    assert css.media_query(media) in {"", "/**/"}


NAMES = (
    "color position font-family background margin fixed static red none a é x url -webkit-x 1 1px 1e3 1.5 color:red;"
)
STARTS = (
    "url( URL( calc( rgb( expression( @media @import position:fixed font-family:' background:url( a[b=' a{ \\75 \\'"
)
MARKS = r"""( ) [ ] { } ; : , ' " \ / * /* */ <!-- --> - -- + . # @ ! = < > % </style>"""
BLANKS = ["\n", "\r\n", "\f", " ", "u\\72 l", "@media all{"]
PIECES = st.sampled_from([*NAMES.split(), *STARTS.split(), *MARKS.split(), *BLANKS])
WRITTEN = st.lists(PIECES, max_size=24).map("".join)
BLANK = {"whitespace", "comment"}
VALUES = {"ident", "hash", "number", "percentage", "dimension", "string", "function", "url", "delim", ",", ")", ":"}


def browsers_tokens(written: str) -> list[Token]:
    """The tokens that count, as a browser reads them; a URL is the same with and without quotes."""
    read: list[Token] = []
    for token in css_syntax.tokens(written):
        if token.type == ")" and [each.type for each in read[-2:]] == ["function", "string"] and is_url(read[-2]):
            read[-2:] = [shown(Token("url", read[-1].value))]
        elif token.type not in BLANK:
            read.append(shown(token))
    return read


def is_url(token: Token) -> bool:
    return token.value.lower() == "url"


def shown(token: Token) -> Token:
    """The token, or `none` in place of an image that is never shown."""
    is_image = token.type == "url" and token.value and not set(token.value) & set("\"'()\\<>{} \t")
    return token if token.type != "url" or is_image else Token("ident", "none")


def stands_in(part: list[Token], whole: list[Token]) -> bool:
    return any(whole[at : at + len(part)] == part for at in range(len(whole)))


@given(WRITTEN)
@example('color:red/<!--*;font-family:"*/;position:fixed;x:"')
@example("font-family:'a url(x)';color:red")
def test_a_browser_reads_the_declarations_that_were_checked_and_no_others(written: str) -> None:
    kept = css.declarations(written, same)

    check(browsers_tokens(kept), browsers_tokens(written))


def check(kept: list[Token], source: list[Token]) -> None:
    """Check declarations as a browser reads them; each must stand in the source, except for the case of its name."""
    for name, colon, *value in filter(None, split(kept)):
        assert name.type == "ident"
        assert name.value in css.PROPERTIES
        assert colon.type == ":"
        assert {token.type for token in value} <= VALUES
        assert all(token.value.lower() in css.FUNCTIONS for token in value if token.type == "function")
        assert name.value != "position" or value[0].value == "static"
        assert stands_in([colon, *value], source)


def split(read: list[Token]) -> list[list[Token]]:
    """The tokens of each declaration."""
    parts: list[list[Token]] = [[]]
    for token in read:
        if token.type == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


@given(WRITTEN)
def test_declarations_that_were_kept_are_kept_again(written: str) -> None:
    kept = css.declarations(written, same)

    assert css.declarations(kept, same) == kept


@given(WRITTEN)
@example("a[b='\n']{position:fixed;x:']{color:red}")
@example("a{color:red/<!<!----*;font-family:'*/;position:fixed'}")
def test_a_browser_reads_the_rules_that_were_checked_and_no_others(written: str) -> None:
    kept = css.sheet(written, same).rules

    block: list[Token] = []
    blocks = 0  # open
    for token in browsers_tokens(kept):
        assert token.type not in {"bad-string", "bad-url", "CDO", "CDC"}
        if token.type == "{":
            blocks, block = blocks + 1, []
        elif token.type == "}":
            check(block, browsers_tokens(written))
            blocks, block = blocks - 1, []
        else:
            block.append(token)
        assert blocks >= 0
    assert blocks == 0
    assert "<" not in kept


@given(WRITTEN)
def test_rules_that_were_kept_are_kept_again(written: str) -> None:
    kept = css.sheet(written, same).rules

    assert css.sheet(kept, same).rules == kept


# Each of these makes a reader look far ahead for an end that does not come.
REPEATED = (
    r"""url( url(' url(" u\72l( u\72l(' '\ 1\ 1%\ 1e #a\ a\ @a\ - --> <!-- /* a/**/ ( [ { } a( @a a[b='c'] @media{"""
    r""" a{b:( a{color:calc( a{color:red ; : 1. none a{color:url(x)"""
)


@pytest.mark.parametrize("piece", [*REPEATED.split(), "'\n", "1\\\n", "url( ", "@import "])
def test_a_sheet_of_one_repeated_piece_is_read_in_linear_time(piece: str) -> None:
    written = (piece * css.CHARACTERS)[: css.CHARACTERS]

    assert len(css.sheet(written, same).rules) <= len(written) + 8
    assert len(css.declarations(written, same)) <= len(written)

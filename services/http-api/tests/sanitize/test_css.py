"""What of a mail's CSS is shown."""

import pytest

from http_api.sanitize import css


def nothing(_url: str) -> None:
    """No image is there."""


def same(url: str) -> str:
    """Every image is shown from where it is."""
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
def test_what_mail_needs_is_kept(written: str) -> None:
    assert css.declarations(written, nothing) == written


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
    ],
)
def test_everything_else_is_left_out(written: str) -> None:
    assert css.declarations(written, same) == ""


def test_what_stands_beside_it_is_kept() -> None:
    assert css.declarations("color:red;position:fixed;margin:0", nothing) == "color:red;margin:0"


def test_a_semicolon_within_a_string_or_brackets_ends_nothing() -> None:
    assert css.declarations("font-family:'a;b';background:url(a;b);color:red", same) == (
        "font-family:'a;b';background:url(\"a;b\");color:red"
    )


def test_of_a_shorthand_the_colour_is_kept_without_its_image() -> None:
    assert (
        css.declarations("background:#fff url('https://a.test/') no-repeat", nothing)
        == "background:#fff none no-repeat"
    )


@pytest.mark.parametrize("written", ["url(https://a.test/)", "url( 'https://a.test/' )", 'URL("https://a.test/")'])
def test_an_image_that_may_be_shown_is_written_in_one_way(written: str) -> None:
    assert css.declarations(f"background:{written}", same) == 'background:url("https://a.test/")'


def test_comments_are_no_part_of_it() -> None:
    assert css.declarations("co/* */lor:/**/red/*", nothing) == "color:red"


def test_the_rules_of_a_style_element_are_kept_for_their_media() -> None:
    written = "a{color:red}@media (max-width:600px){.b>p:first-child,#c{margin:0}}"

    assert css.sheet(written, nothing).rules == written


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


def test_what_stands_behind_a_rule_that_is_left_out_is_kept() -> None:
    assert css.sheet("@font-face{src:url(x)}p{q{r{}}}a{color:red}", nothing).rules == "a{color:red}"


def test_a_group_that_is_never_closed_is_closed() -> None:
    assert css.sheet("@media all{a{color:red}", nothing).rules == "@media all{a{color:red}}"


def test_imported_sheets_are_named() -> None:
    assert css.sheet("@import url('https://a.test/a.css');@import \"b.css\" screen;", nothing).imports == (
        "https://a.test/a.css",
        "b.css",
    )


def test_rules_past_the_limit_are_left_out() -> None:
    assert css.sheet("a{color:red}" * (css.RULES + 1), nothing).rules.count("{") == css.RULES

"""The CSS of a mail that is kept."""

import pytest

from http_api.sanitize import css


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


def test_comments_are_left_out() -> None:
    assert css.declarations("co/* */lor:/**/red/*", no_image) == "color:red"


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

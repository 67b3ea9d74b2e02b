"""The balanced tags of any HTML, within the limits of what a parser reads in linear time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_email.html import structure, tokens
from http_api.sanitize import balance

TAGS = [
    "<b>",
    "</b>",
    "<i>",
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "</td>",
    "<li>",
    "a",
]


def read(written: str) -> str:
    """The balanced markup."""
    return balance.read(written).markup


@pytest.mark.parametrize(
    ("written", "balanced"),
    [
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<b>a<p>b</b>c</p>d", "<b>a<p>bc</p></b>d"),
        ("<div><b>a</div>b", "<div><b>a</b></div>b"),
        ("<b><i>a</b>b", "<b><i>a</i></b>b"),
        ("a</div></b></p>b", "ab"),
        ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"),
        ("<table><td>a<td>b<tr><td>c", "<table><td>a</td><td>b</td><tr><td>c</td></tr></table>"),
        ("<td>a</td><tr>b", "ab"),
        ("<table><tr><td></table></div>a</td>", "<table><tr><td></td></tr></table>a"),
        ("<a href=x>a<a href=y>b</a>", '<a href="x">a</a><a href="y">b</a>'),
        ("<h1>a<h2>b</h1>c", "<h1>a</h1><h2>b</h2>c"),
        ("<br/>a</br>b<hr>", "<br>a<br>b<hr>"),
        ("a < b <3 <", "a &lt; b &lt;3 &lt;"),
        ("<P CLASS='a\"b' class=c ID=d>x", '<p class="a&quot;b" id="d">x</p>'),
        ("<p onclick=x style>y", '<p style="">y</p>'),
        ("a<!-- b -->c<!-->d<!--->e<!x>f<?y>g", "acdefg"),
        ("a<script>b</script>c<STYLE>d</STYLE >e<svg><p>f</svg>g<svg>h", "acegh"),
        ("a<title>b", "a"),
        ("a<p title='b", "a"),
        ("<form><input><button>a</button></form>", "a"),
        ("<image src=x>", '<img src="x">'),
        ("", ""),
    ],
)
def test_tags_are_closed_in_the_order_of_their_opening(written: str, balanced: str) -> None:
    assert read(written) == balanced


def test_the_attributes_of_html_and_body_are_kept_apart() -> None:
    balanced = balance.read("<html dir=rtl><body bgcolor=red onload=x><p>a</p><body bgcolor=blue>")

    assert (balanced.html, balanced.body, balanced.markup) == ({"dir": "rtl"}, {"bgcolor": "red"}, "<p>a</p>")


def test_style_elements_and_linked_sheets_are_kept_apart() -> None:
    balanced = balance.read("<style media=print>a</style><style type=text/less>b</style><link rel=StyleSheet href=c>")

    assert (balanced.styles, balanced.links, balanced.markup) == ((("print", "a"),), (("", "c"),), "")


def test_elements_nested_deeper_than_the_limit_are_left_out() -> None:
    written = "<div>" * 1_000 + "a" + "</div>" * 1_000 + "b"

    assert read(written) == "<div>" * structure.DEPTH + "a" + "</div>" * structure.DEPTH + "b"


def test_tags_over_the_limit_are_left_out_and_the_document_is_marked_as_cut() -> None:
    balanced = balance.read("<br>" * (tokens.TAGS + 1))

    assert balanced.markup.count("<br>") == tokens.TAGS
    assert balanced.is_cut


def test_a_document_within_the_limits_is_not_cut() -> None:
    assert not balance.read("<br>" * (tokens.TAGS - 1) + "a").is_cut


def test_a_too_long_attribute_is_left_out_unless_it_is_an_image() -> None:
    image = "data:image/png;base64," + "A" * 100_000

    assert read(f"<img title={'a' * 100_000} src={image}>") == f'<img src="{image}">'


def test_long_text_is_not_cut_inside_a_character_reference() -> None:
    written = "&amp;" * 20_000

    assert read(written).replace("<!---->", "") == written
    assert all(piece.endswith(";") for piece in read(written).split("<!---->"))


@given(st.lists(st.sampled_from(TAGS)))
def test_any_tags_are_balanced(pieces: list[str]) -> None:
    balanced = read("".join(pieces))

    opened: list[str] = []
    for tag in balanced.replace("a", "").replace("<", " <").split():
        if tag.startswith("</"):
            assert opened.pop() == tag[2:-1]
        else:
            opened.append(tag[1:-1])
    assert opened == []

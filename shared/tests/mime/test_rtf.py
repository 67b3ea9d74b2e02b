"""The text in RTF, and the HTML of Outlook in it."""

import pytest

from fake_email.mime import rtf

FONTS = (
    rb"\deff0{\fonttbl{\f0\fnil\fcharset0 A;}{\f1\fcharset204 Arial{\*\falt Cyr};}{\f2\fcharset128 Gothic;}{\f3 Z;}}"
)


def text(body: bytes, head: bytes = rb"\ansi\ansicpg1252" + FONTS) -> str:
    document = rtf.read(b"{\\rtf1" + head + b"\n\\pard " + body + b"}\0")
    assert document.type == "text/plain"
    return document.text


def html(body: bytes) -> str:
    document = rtf.read(rb"{\rtf1\ansi\ansicpg1251\fromhtml1 " + FONTS + b"\n\\uc1\\pard\\f3 " + body + b"}")
    assert document.type == "text/html"
    return document.text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb"a\par b\line c\tab d\sect e", "a\nb\nc\td\ne"),
        (b"a\r\nb", "ab"),
        (b"a\\\nb\\\rc", "a\nb\nc"),
        (rb"\trowd\intbl a\cell b\cell\row c", "a  b\nc"),
        (rb"\{a\}\\ b\~c\_d\-e", "{a}\\ b\u00a0c\u2011de"),
        (
            rb"\lquote a\rquote\ldblquote b\rdblquote\emdash\endash\bullet",
            "\u2018a\u2019\u201cb\u201d\u2014\u2013\u2022",
        ),
        (rb"\b bold\b0  {\i slanted} \fs24\cf1 large\plain  plain", "bold slanted large plain"),
        (rb"{\pntext\f0\'B7\tab}{\*\pn\pnlvlblt}item", "\u00b7\titem"),
    ],
)
def test_lines_cells_and_characters_are_text(body: bytes, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb"Gr\'fc\'DFe", "Grüße"),
        (rb"\f1\'c4\'e0 {\f2\'83A\'83\'43\'82\'a0} \'ed\'e5\'f2\f3\'fc", "Да アイあ нетü"),
        (rb"\f1\'c4\plain\'fc", "Дü"),
        (b"Gr\xfc\xdfe", "Grüße"),
        (rb"\'", ""),
        (rb"\'zz", "zz"),
    ],
)
def test_octets_are_characters_of_their_font(body: bytes, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        (rb"\ansi\ansicpg932", rb"\'93\'fa\'96", "日\ufffd"),
        (rb"\ansi\ansicpg936\deff0{\fonttbl{\f0 SimSun;}}", rb"\f0\'d1\'e9\'d6\'a4", "验证"),
        (rb"\mac", rb"\'8a", "ä"),
        (rb"\pc", rb"\'84", "ä"),
        (rb"\ansi\ansicpg1252" + FONTS.replace(b"deff0", b"deff1"), rb"\'c4", "Д"),
        (rb"\ansi\ansicpg65001", rb"\'c3\'a4", "ä"),
        (rb"\ansi{\fonttbl{\f0\cpg1250 x;}}\f0", rb"\'9e", "ž"),
        (rb"", rb"\'e4", "ä"),
    ],
)
def test_octets_without_a_charset_of_their_font_have_that_of_the_document(
    head: bytes, body: bytes, expected: str
) -> None:
    assert text(body, head) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb"\u8364?5", "€5"),
        (rb"\u8364 ?5", "€5"),
        (rb"\u8364\'805", "€5"),
        (rb"\u-3913?", "\uf0b7"),
        (rb"\u-10179?\u-8704?", "\U0001f600"),
        (rb"\u-10179?", "\ufffd"),
        (rb"{\uc2\u20320\'c4\'e3\u22909\'ba\'c3}\u8364?5", "你好€5"),
        (rb"\uc0\u8364 5", "€5"),
        (rb"{\u8364}5", "€5"),
        (rb"\u8364\par 5", "€5"),
        (rb"\u8364\u8364?", "€€"),
        (rb"\u99999999?", "\ue0ff"),
        (rb"\u?", "?"),
    ],
)
def test_unicode_has_a_fallback_that_is_left_out(body: bytes, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        rb"{\*\generator Riched20;}{\info{\author Me}{\title x}}{\colortbl;\red0;}{\stylesheet{\s0 Normal;}}a",
        rb"{\*\unknown{\b deep}}a",
        rb"{\pict\wmetafile8\picw1 0102{\b 03}}a{\object{\*\objdata 0105}{\result{}}}",
        b"{\\pict\\bin5 }}}}}}a",
        rb"{\header page 1}{\footer page 1}a",
        rb"\v hidden\v0 a{\v hidden}",
        rb"{\*\htmltag64 <p>}a{\*\mhtmltag64 <p>}",
        rb"{\field{\*\fldinst{PAGE}{\*\datafield 0102}}{\fldrslt a}}",
    ],
)
def test_what_a_reader_does_not_see_is_not_text(body: bytes) -> None:
    assert text(body) == "a"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            rb'{\field{\*\fldinst HYPERLINK "https://x.test/a?b=c"}{\fldrslt{\ul here}}}!',
            "here <https://x.test/a?b=c>!",
        ),
        (rb"{\field{\*\fldinst{HYPERLINK https://x.test/ }}{\fldrslt here}}", "here <https://x.test/>"),
        (rb'{\field{\*\fldinst HYPERLINK "https://x.test"}{\fldrslt https://x.test}}', "https://x.test"),
        (rb'{\field{\*\fldinst HYPERLINK "mailto:a@x.test"}{\fldrslt a@x.test}}', "a@x.test"),
        (rb'{\field{\*\fldinst HYPERLINK "https://x.test"}}', "<https://x.test>"),
        (rb'{\field{\*\fldinst HYPERLINK \\l "part"}{\fldrslt here}}', "here"),
    ],
)
def test_the_target_of_a_link_stands_behind_its_text(body: bytes, expected: str) -> None:
    assert text(body) == expected


def test_html_is_taken_out_without_what_rtf_alone_has() -> None:
    body = rb"""
{\*\htmltag19 <html>}{\*\htmltag161 <meta charset=x>\par }{\*\htmltag241 <style>p \{color:red\}</style>}
{\*\htmltag64 <p class=a>}\htmlrtf {\htmlrtf0 \'cf\'f0{\*\htmltag84 &nbsp;}\htmlrtf \'a0\htmlrtf0 b
{\*\htmltag148 <b>}\htmlrtf {\b\f2 \htmlrtf0 \'83A\u20320?{\*\htmltag156 </b>}\htmlrtf }\htmlrtf0
{\*\mhtmltag84 <a href="wrong">}
{\*\htmltag84 <a href="https://x.test/\'cf">}\htmlrtf
{\field{\*\fldinst HYPERLINK "y"}{\fldrslt\htmlrtf0 here\htmlrtf }}\htmlrtf0{\*\htmltag92 </a>}
{\*\htmltag72 </p>}\htmlrtf\par}\htmlrtf0 \line\tab end"""

    assert html(body) == (
        "<html><meta charset=x>\n<style>p {color:red}</style>"
        '<p class=a>Пр&nbsp;b<b>ア你</b><a href="https://x.test/П">here</a></p>\n\tend'
    )


def test_text_that_outlook_took_from_plain_text_is_plain() -> None:
    assert text(rb"One\par\par two", rb"\ansi\fromtext") == "One\n\ntwo"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (rb"", ""),
        (rb"{\rtf1 a", "a"),
        (rb"{\rtf1 a}b}c", "a"),
        (b"{\\rtf1 a" + b"{" * rtf.DEPTH + b"b", "a"),
        (b"{\\rtf1 a" + b"{" * (rtf.DEPTH - 1) + b"b", "ab"),
        (rb"{\rtf1 a\bin9999999999 b", "a"),
        (rb"{\rtf1 a\bin-5 b", "ab"),
        (rb"{\rtf1{\fonttbl" + rb"".join(rb"\f%d\fcharset204" % n for n in range(3_000)) + rb"}\f2500\'e4", "ä"),
        (b"{\\rtf1 a\\", "a"),
    ],
    ids=range(9),
)
def test_broken_rtf_is_read_as_far_as_it_goes(octets: bytes, expected: str) -> None:
    assert rtf.read(octets).text == expected


def test_reading_ends_when_the_time_is_over() -> None:
    assert rtf.read(b"{\\rtf1 " + b"{a}" * 100_000, lambda: True).text.count("a") < 5_000

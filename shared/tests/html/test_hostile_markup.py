"""Text, links and images of hostile HTML are read in linear time: quadratic time for these would be minutes."""

import gc

import pytest

from fake_email.findings import links
from fake_email.html import remote_images, tokens
from fake_email.html import text as html_text
from fake_email.parse import parse

MARKUP = {
    "depth": "<div>",
    "formatting that is never closed": "<p><b><font size=1>",
    "tags closed out of order": "<a><div><b><p></a></div></b>",
    "cells": "<table><td>",
    "comments never closed": "<!--",
    "half tags": "<a ",
    "quotes": "<p title='",
    "attributes": "<p a",
    "equals signs": "<a =",
    "angle brackets": "<",
    "raw elements never closed": "<title><a href=//x.test>",
    "SVG": "<svg/><svg>",
    "hidden elements never closed": "<div style='display:none'><a href=https://x.test/>a</a>",
    "hidden elements": "<p style='DISPLAY:\tnone'><a href=https://x.test/>a</a></p>",
    "hidden tables": "<table style='display:none'>a<tr>b<td>c",
    "elements seen in hidden ones": "<b style='visibility:hidden'><i style='visibility:visible'>a",
    "blocks in lines": "<span style='display:block'>",
    "words of styles": "display:none ",
    "declarations": "<div style='a:b;c:d(;display:block'>",
    "bases": "<base x><base href=https://x.test/><a href=b>",
    "areas": "<area href=https://x.test/ alt=a>",
    "labels": "<a href=https://x.test/>" + "<b>a</b>" * 50,
    "references": "<a href='&copy&amp;&copy=&#x26'>",
    "URLs": "https://x.test/a ",
    "URLs in brackets": "](https://x.test/",
    "URLs that are set off": "<https://x.test/\n",
    "URLs of several lines": "<URL:https://x.test/a\nb",
    "URLs without a blank": "https://例え.jp/パスabc",
    "relative images": "<img src=a>",
    "images in styles": "<p style='background:url(https://x.test/a)'>",
    "images in sheets": "<style>a{background:url(https://x.test/a)}</style>",
    "sheets never closed": "<style>a{background:url(https://x.test/a)}",
    "wrapped URLs": f"<a href='https://urldefense.com/v3/__https://a/{'**_' * 300}__;{'JnUl' * 10}!!x'>a</a>",
}


@pytest.mark.parametrize("name", MARKUP)
def test_repeated_markup_is_read_in_linear_time(name: str) -> None:
    html = MARKUP[name] * (tokens.CHARACTERS // 8 // len(MARKUP[name]))

    text = html_text.render(html)

    assert len(text) <= 2 * len(html)
    assert len(links.find(html, html)) <= links.LINKS
    assert remote_images.count(html) <= 1


def test_a_message_that_was_read_leaves_no_memory_to_the_garbage_collector() -> None:
    contents = [b"Content-Type: text/html\r\n\r\n" + (markup * 50).encode() for markup in MARKUP.values()]
    gc.collect()
    gc.disable()
    try:
        for content in contents:
            parse(content)

        assert gc.collect() == 0
    finally:
        gc.enable()

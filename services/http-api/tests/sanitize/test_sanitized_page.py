"""The HTML of a mail as a web page that is safe to show."""

import gc
from html import escape

import pytest
from support import attacks, newsletter

from http_api.sanitize import embed
from http_api.sanitize import page as sanitized_page

MIB = 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def page(html: str, images: dict[str, bytes] | None = None, *, remote: bool = False) -> str:
    """The inside of the body."""
    whole = sanitized_page.page(html, images or {}, remote=remote).text
    return whole.partition("<body")[2].partition(">")[2].removesuffix("</body></html>\n")


@pytest.mark.parametrize(
    "href",
    ["https://a.test/?a=1&amp;b", "http://a.test", "HTTPS://a.test/", "mailto:a@b.test?subject=x", "tel:+123"],
)
def test_links_keep_their_targets(href: str) -> None:
    assert page(f'<a href="{href}">a</a>').startswith(f'<a href="{href}"')


@pytest.mark.parametrize(
    "href", ["javascript:x", "data:text/html,x", "/a", "a", "#a", "ftp://a", "cid:a", "https://", ""]
)
def test_links_with_other_schemes_lose_their_targets(href: str) -> None:
    assert "href" not in page(f'<a href="{href}">a</a>')


def test_relative_links_and_images_start_from_the_base_of_the_document() -> None:
    body = page("<base href=https://a.test/b/><a href=c?d=1&copy=2>e</a><img src=f.png>", remote=True)

    assert 'href="https://a.test/b/c?d=1&amp;copy=2"' in body
    assert 'src="https://a.test/b/f.png"' in body
    assert "<base" not in body


def test_blanks_in_a_link_are_encoded_or_dropped_as_in_browsers() -> None:
    assert 'href="https://a.test/b%20c%E2%80%8Bd"' in page("<a href=' https://a.te\nst/b c\u200bd '>e</a>")


def test_an_unknown_element_that_is_hidden_stays_hidden() -> None:
    assert page("<x-y style='display:none'>a</x-y>b") == '<span style="display:none">a</span>b'


def test_a_link_without_a_scheme_is_https() -> None:
    assert 'href="https://a.test/"' in page("<a href=//a.test/>a</a>")


@pytest.mark.parametrize("tag", ["<a href=https://a.test/ rel=opener target=_top>a</a>", "<area href=https://a.test/>"])
def test_every_link_opens_in_a_new_window_without_opener_and_referrer(tag: str) -> None:
    body = page(tag)

    assert 'rel="noopener noreferrer nofollow"' in body
    assert 'target="_blank"' in body
    assert "_top" not in body


@pytest.mark.parametrize(
    ("octets", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x20ftypavif", "image/avif"),
        (b"BM\0\0\0\0\0\0\0\0", "image/bmp"),
    ],
)
def test_an_image_of_the_mail_is_in_the_page_with_the_type_of_its_octets(octets: bytes, media_type: str) -> None:
    assert f'src="data:{media_type};base64,' in page("<img src=cid:a%40b>", {"a@b": octets})


@pytest.mark.parametrize("octets", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<?xml?><svg/>", b"", b"%PDF-1.4"])
def test_a_part_that_is_not_a_raster_image_is_left_out_and_its_alternative_text_is_kept(octets: bytes) -> None:
    assert page("<img src=cid:a alt=b>", {"a": octets}) == '<img alt="b">'


def test_an_image_that_the_mail_lacks_is_left_out() -> None:
    assert page("<img src=cid:a alt=b>") == '<img alt="b">'


def test_images_over_the_limit_are_left_out() -> None:
    body = page("<img src=cid:a>" * 5, {"a": PNG + bytes(3 * MIB)})

    assert body.count("src=") == 2


@pytest.mark.parametrize("where", ["<td background='{}'>", "<p style=\"background:url('{}')\">", "<img src='{}'>"])
def test_images_of_the_mail_are_shown_in_every_place_for_images(where: str) -> None:
    assert "data:image/png" in page(f"<table><tr>{where.format('cid:a')}</table>", {"a": PNG})


@pytest.mark.parametrize("where", ["<td background='{}'>", "<p style=\"background:url('{}')\">", "<img src='{}'>"])
def test_remote_images_are_in_the_page_only_on_request(where: str) -> None:
    html = f"<table><tr>{where.format('https://a.test/b.png')}</table>"

    assert "a.test" not in page(html)
    assert "https://a.test/b.png" in page(html, remote=True)


@pytest.mark.parametrize(
    "html", ["<link rel=stylesheet href=https://a.test/b.css>", "<style>@import 'https://a.test/b.css';</style>"]
)
def test_remote_sheets_are_in_the_page_only_on_request(html: str) -> None:
    assert "a.test" not in sanitized_page.page(html, {}, remote=False).text
    assert 'href="https://a.test/b.css"' in sanitized_page.page(html, {}, remote=True).text


def test_sheets_over_the_limit_are_left_out() -> None:
    html = "<link rel=stylesheet href=https://a.test/b.css>" * 100

    assert sanitized_page.page(html, {}, remote=True).text.count("https://a.test/b.css") == sanitized_page.SHEETS


@pytest.mark.parametrize(
    ("media", "rules"),
    [
        ("", "<style>p{color:red}</style>"),
        (" print ", "<style>@media print{p{color:red}}</style>"),
        ("(max-width:9px)", "<style>@media (max-width:9px){p{color:red}}</style>"),
        ("(", ""),
        (")", ""),
        ("/*", "<style>@media /**/{p{color:red}}</style>"),
    ],
)
def test_a_style_element_is_for_its_media_unless_these_would_be_read_otherwise(media: str, rules: str) -> None:
    head = sanitized_page.page(f"<style media='{media}'>p{{color:red}}</style>", {}, remote=False).text.partition(
        "</head>"
    )[0]

    assert head.partition("</title>")[2] == rules


@pytest.mark.parametrize(
    "type_",
    [
        "image/svg+xml",
        "text/html",
        "image/png;x=y",
        "image/x-icon",
        'image/png"><script>',
        "image/png,x",
        "image/*",
        "",
    ],
)
def test_an_image_written_into_the_mail_with_another_type_is_left_out(type_: str) -> None:
    html = escape(f"data:{type_};base64,AAAA")

    assert page(f'<img alt="b" src="{html}">') == '<img alt="b">'
    assert page(f"<p style=\"background:url('{html}')\">x</p>") in {
        '<p style="background:none">x</p>',
        "<p>x</p>",
    }


def test_images_written_into_the_mail_are_shown() -> None:
    assert page("<img src='data:image/png;base64,AAAA'>") == '<img src="data:image/png;base64,AAAA">'


def test_content_ids_are_found_in_attributes_and_styles() -> None:
    html = "<img src=\"cid:a%40b\"><td background='CID:c&amp;d'><p style='background:url(cid:e)'>"

    assert {"a@b", "c&d", "e"} <= sanitized_page.references(html)


@pytest.mark.parametrize("location", ["https://a.test/b.png?c=1&d=2", "b.png", "./img/b.png", "/b.png"])
def test_an_image_of_the_mail_may_be_named_by_its_location(location: str) -> None:
    html = f'<p><img src="{location.replace("&", "&amp;")}"></p>'

    assert location in sanitized_page.references(html)
    assert "data:image/png" in page(html, {location: PNG})


def test_a_fragment_becomes_a_whole_page_with_its_own_policy() -> None:
    whole = sanitized_page.page("a", {}, remote=False).text

    assert whole.startswith("<!doctype html><html><head>")
    assert whole.count("<body") == whole.count("</body>") == 1
    assert f'content="{sanitized_page.policy(remote=False)}"' in whole


def test_a_mail_without_colours_is_black_on_white() -> None:
    assert '<body bgcolor="#ffffff" text="#000000">' in sanitized_page.page("a", {}, remote=False).text


def test_a_mail_keeps_the_direction_and_the_colours_of_its_page() -> None:
    whole = sanitized_page.page("<html dir=rtl><body bgcolor=#123456 style='margin:0'>a", {}, remote=False).text

    assert '<html dir="rtl">' in whole
    assert '<body bgcolor="#123456" text="#000000" style="margin:0">' in whole


def test_a_page_that_is_cut_says_so() -> None:
    assert "The rest of this message is not shown" in page("<br>" * 100_000)


LONG = {
    "depth": "<div>",
    "formatting": "<b><i><font color=red>",
    "formatting that is never closed": "<p><b><font size=1>",
    "tags closed out of order": "<a><div><b><p></a></div></b>",
    "tables": "<table><tr><td>",
    "cells": "<table><td>",
    "lists": "<ul><li><dl><dd>",
    "headings": "<h1>",
    "SVG": "<svg><style>",
    "templates": "<template>",
    "comments": "<!-",
    "comments never closed": "<!--",
    "half tags": "<a ",
    "end tags": "</p></b></table>",
    "angle brackets": "<",
    "ampersands": "&",
    "hard blanks": "\u00a0",
    "references": "&nbsp;&#60;&notit;",
    "quotes": "<p title='",
    "equals signs": "<p =",
    "style elements": "<style>a{b:c}</style>",
    "styles": "<p style='color:red;background:url(x)'>",
    "links": "<link rel=stylesheet href=https://a.test/>",
    "images": "<img src=cid:a>",
}


@pytest.mark.parametrize("name", LONG)
def test_a_mebibyte_of_repeated_markup_is_shown_in_linear_time_and_memory(name: str) -> None:
    html = LONG[name] * (MIB // len(LONG[name]))

    whole = sanitized_page.page(html, {"a": PNG + bytes(100_000)}, remote=True).text

    assert len(whole) < 8 * MIB + sanitized_page.INLINE_OCTETS


@pytest.mark.parametrize(
    "html",
    [
        "<p " + " ".join(f"a{number}=1" for number in range(100_000)) + ">b",
        "<p style='" + "color:red;" * 100_000 + "'>b",
        "<p title='" + "&" * 1_000_000 + "'>b",
        "<style>" + "a{" * 500_000 + "</style>b",
        "<style>" + "/*" * 500_000 + "</style>b",
        "<style>" + "@media all{" * 100_000 + "</style>b",
        "".join(f"<b id={number}>" for number in range(5_000)) + "<p>x</p>" * 100_000,
    ],
    ids=["attributes", "declarations", "one attribute", "blocks", "comments", "groups", "formatting in all paragraphs"],
)
def test_a_mebibyte_of_one_element_is_shown_in_linear_time_and_memory(html: str) -> None:
    assert len(sanitized_page.page(html, {}, remote=True).text) < 8 * MIB


def test_a_page_that_was_made_leaves_no_memory_to_the_garbage_collector() -> None:
    documents = [newsletter.HTML, *attacks.ATTACKS.values()]
    gc.collect()
    gc.disable()
    try:
        for html in documents:
            page(html, remote=True)

        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("remote", [False, True])
def test_without_embed_a_page_is_the_same_but_for_our_style_and_script(remote: bool) -> None:
    allowed = f"; script-src {embed.SOURCE}"

    for html in attacks.ATTACKS.values():
        embedded = sanitized_page.page(html, {}, remote=remote, is_embedded=True).text
        assert [embedded.count(each) for each in (allowed, embed.HEAD, embed.FOOT)] == [1, 1, 1]
        bare = embedded.replace(allowed, "").replace(embed.HEAD, "").replace(embed.FOOT, "")
        assert attacks.in_order(sanitized_page.page(html, {}, remote=remote).text) == attacks.in_order(bare)

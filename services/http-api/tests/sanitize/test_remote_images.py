"""The number of remote images that a mail is stored with is the number that its page leaves out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import attacks, newsletter

from fake_email.html import remote_images
from http_api.sanitize import page as sanitized_page

URLS = st.sampled_from(
    [
        *("https://x.test/a.png", "http://x.test/b.png?c=1&amp;d=2", "//x.test/c.png", "/d.png", "e f.png", "cid:one"),
        *(" https://x.test/g.png\n", "HTTPS://X.test/h", "https:\\\\x.test\\i", "data:image/png;base64,AA==", "", "#"),
        *(
            "javascript:1",
            "ftp://x.test/j",
            "https://x.test/&#107;",
            "here.png",
            "https://x.test/here.png",
            "https:///k",
        ),
        *("https://x.test/a.png\t", "mailto:a@x.test", "https://\u00fc.test/l", "https://x.test/'m"),
    ]
)
STYLES = st.sampled_from(
    [
        *("background:url({})", "background-image: URL('{}')", "list-style:url(&quot;{}&quot;) disc", "cursor:url({})"),
        *("color:red;background:#fff url( {} ) no-repeat", "background:url({}", "back\\ground:url({})", "x:y;;"),
        *(
            "background:image-set(url({}))",
            "background:/* url({}) */ red",
            "background:u&#114;l({})",
            "background:url ({})",
        ),
        *("background:url({}),url(https://x.test/second)", "border-image:url({})", "content:url({})"),
    ]
)
RULES = st.sampled_from(
    [
        *(
            "a{{background:url({})}}",
            "@font-face{{font-family:f;src:url({})}}",
            "@import url({});",
            "@media print{{b{{}}}}",
        ),
        *("@media screen{{td{{background-image:url('{}')}}}}", "a{{color:red}} b{{list-style:url({})}}", "{{url({})"),
        *("@supports (display:grid){{p{{background:url({})}}}}", "/* a{{background:url({})}} */"),
    ]
)
styled = st.tuples(STYLES, URLS).map(lambda of: of[0].format(of[1]))
tags = st.one_of(
    URLS.map(lambda url: f'<img src="{url}" width=1>'),
    URLS.map(lambda url: f"<IMG alt='>' SRC='{url}'/>"),
    URLS.map(lambda url: f'<img title="{url}" srcset="{url}"><image src="{url}">'),
    st.tuples(st.sampled_from(["div", "p", "span", "center", "a", "x-y", "form"]), styled).map(
        lambda of: f'<{of[0]} style="{of[1]}">w</{of[0]}>'
    ),
    st.tuples(URLS, styled).map(
        lambda of: f'<table background="{of[0]}"><tr><td style="{of[1]}" BACKGROUND = "{of[0]}">w</td></tr></table>'
    ),
    URLS.map(lambda url: f'<body background="{url}">'),
    styled.map(lambda style: f'<html style="{style}">'),
    st.tuples(RULES, URLS).map(lambda of: f"<style>{of[0].format(of[1])}</style>"),
    URLS.map(lambda url: f'<style type="text/x"> a{{background:url({url})}}</style>'),
    URLS.map(lambda url: f'<link rel=stylesheet href="{url}"><input type=image src="{url}"><video poster="{url}">'),
    URLS.map(
        lambda url: f'<svg><image href="{url}"></svg><script>"<img src={url}>"</script><!-- <img src="{url}"> -->'
    ),
    URLS.map(lambda url: f'<template><img src="{url}"></template><noscript><img src="{url}"></noscript>'),
    st.sampled_from(
        ["<base href=https://base.test/dir/>", "text url( background= ", "<br>", "</td>", "&lt;img src=x>"]
    ),
)
documents = st.lists(tags, max_size=8).map("".join)


def assert_counted(markup: str) -> None:
    page = sanitized_page.page(markup, {"here.png": b"", "one": b""}, remote=False)

    assert remote_images.count(markup, {"here.png", "one"}) == page.remote_images_blocked


@given(documents)
def test_the_count_is_that_of_the_page(markup: str) -> None:
    assert_counted(markup)


@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_the_count_of_an_attack_is_that_of_its_page(name: str) -> None:
    assert_counted(attacks.ATTACKS[name])


def test_the_count_of_a_newsletter_is_that_of_its_page() -> None:
    assert remote_images.count(newsletter.HTML) == 3
    assert_counted(newsletter.HTML)

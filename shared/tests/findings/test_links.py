"""Each rule for links by itself; `test_labelled_mail.py` has whole messages."""

import pytest

from fake_email.findings import links
from fake_email.parsed_message import Link


def urls(markup: str | None, text: str = "") -> list[str]:
    return [link.url for link in links.find(markup, text)]


def test_a_link_of_html_has_its_text_and_url_decoded() -> None:
    (link,) = links.find("<a class=b href='https://x.test/a?b=1&amp;c=2'><b>Ver</b>ify\n your&nbsp;address</a>", "")

    assert link == Link(url="https://x.test/a?b=1&c=2", text="Verify your address", kind="verify")


def test_a_link_around_a_picture_has_the_alternative_text_of_the_picture() -> None:
    (link,) = links.find("<a href=https://x.test/><img src=y alt='Our &amp; shop'></a>", "")

    assert link.text == "Our & shop"


def test_a_link_is_found_whatever_its_other_attributes_hold() -> None:
    assert urls("<a title='a > b' data-x=\"<p>\" href=https://x.test/>A</a>") == ["https://x.test/"]


def test_comments_and_style_elements_are_no_text_of_a_link() -> None:
    markup = "<a href=https://x.test/><!--[if mso]><i>hidden</i><![endif]--><style>a{}</style>Verify</a>"

    (link,) = links.find(markup, "")

    assert link.text == "Verify"


def test_invalid_references_in_the_text_of_a_link_are_replaced() -> None:
    (link,) = links.find(f"<a href=https://x.test/>a&#{'9' * 5000};b&#xd800;</a>", "")

    assert link.text == "a\ufffdb\ufffd"


def test_a_bare_link_of_a_text_is_its_own_text() -> None:
    (link,) = links.find(None, "Go to https://x.test/a.")

    assert link == Link(url="https://x.test/a", text="https://x.test/a", kind="other")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("(https://x.test/a)", "https://x.test/a"),
        ("https://x.test/a_(b)", "https://x.test/a_(b)"),
        ("<https://x.test/a?b=c&d=e>", "https://x.test/a?b=c&d=e"),
        ("“https://x.test/a”,", "https://x.test/a"),
        ("请点击https://x.test/a，谢谢", "https://x.test/a"),
        ("HTTP://X.TEST/A!", "HTTP://X.TEST/A"),
    ],
)
def test_the_punctuation_around_a_bare_link_is_not_part_of_it(text: str, url: str) -> None:
    assert urls(None, text) == [url]


def test_links_are_listed_once_in_their_order() -> None:
    markup = "<a href=https://x.test/b>B</a><a href=https://x.test/a>A</a><a href=https://x.test/b>again</a>"

    assert urls(markup, "https://x.test/a https://x.test/c") == [
        "https://x.test/b",
        "https://x.test/a",
        "https://x.test/c",
    ]


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        " JavaScript:x",
        "&#106;avascript:x",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://x.test/",
        "mailto:a@x.test",
        "tel:+123",
        "#top",
        "/a",
        "https://",
        "https:///a",
        "",
    ],
)
def test_a_link_that_does_not_lead_to_the_web_is_left_out(href: str) -> None:
    assert urls(f'<a href="{href}">x</a>') == []


def test_a_mail_address_for_unsubscribing_is_listed() -> None:
    (link,) = links.find("<a href='mailto:leave@x.test'>Unsubscribe</a>", "")

    assert (link.url, link.kind) == ("mailto:leave@x.test", "unsubscribe")


def test_a_link_in_a_comment_is_left_out() -> None:
    assert urls("<!--[if mso]><a href=https://x.test/a>A</a><![endif]--><a href=https://x.test/b>B</a>") == [
        "https://x.test/b"
    ]


@pytest.mark.parametrize(
    ("text", "url", "kind"),
    [
        ("Confirm your email", "https://x.test/1", "verify"),
        ("Konto aktivieren", "https://x.test/1", "verify"),
        ("Get started", "https://x.test/verify-email?t=1", "verify"),
        ("Choose a new password", "https://x.test/1", "reset"),
        ("Continue", "https://x.test/reset/1", "reset"),
        ("Log in", "https://x.test/verify?type=magiclink", "login"),
        ("サインイン", "https://x.test/1", "login"),
        ("Manage preferences", "https://x.test/1", "unsubscribe"),
        ("Leave", "https://x.test/unsubscribe", "unsubscribe"),
        ("Our shop", "https://login.x.test/", "other"),
        ("View your order confirmation", "https://x.test/orders/1", "other"),
        ("Help", "https://x.test/help", "other"),
    ],
)
def test_the_kind_of_a_link_comes_from_its_text_then_from_its_path(text: str, url: str, kind: str) -> None:
    (link,) = links.find(f"<a href='{url}'>{text}</a>", "")

    assert link.kind == kind


def test_the_kind_of_a_generic_link_comes_from_the_words_before_it() -> None:
    (link,) = links.find("<p>To confirm your address, <a href=https://x.test/1>click here</a>", "")

    assert link.kind == "verify"


def test_the_kind_of_a_bare_link_comes_from_the_line_above_it() -> None:
    (link,) = links.find(None, "Reset your password with this link:\n\nhttps://x.test/1")

    assert link.kind == "reset"


def test_links_are_bounded_in_number_and_length() -> None:
    markup = "".join(f"<a href=https://x.test/{number}>{'x' * 1000}</a>" for number in range(500))

    bounded = links.find(f"<a href=https://x.test/{'y' * links.URL_CHARACTERS}>long</a>{markup}", "")

    assert len(bounded) == links.LINKS
    assert {len(link.text) for link in bounded} == {links.TEXT_CHARACTERS}

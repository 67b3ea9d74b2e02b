"""Each rule for links by itself; `test_labelled_mail.py` has whole messages."""

from html.entities import html5

import pytest

from fake_email.findings import links
from fake_email.html import anchors
from fake_email.html import urls as web_urls
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


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://x.test/#a|b", "https://x.test/#a|b"),
        ("https://x.test/c?data=05|01|a@x.test|77&x={id}^2.", "https://x.test/c?data=05|01|a@x.test|77&x={id}^2"),
        ("{https://x.test/a}, [https://x.test/a]: (https://x.test/a)b", "https://x.test/a"),
        ("[https://x.test/a](https://x.test/a)", "https://x.test/a"),
        ("https://[2001:db8::1]:8080/a", "https://[2001:db8::1]:8080/a"),
        ("*https://x.test/a*", "https://x.test/a"),
        ("_https://x.test/a_b_!", "https://x.test/a_b"),
        ("https://x.test/?t=a_b-c_", "https://x.test/?t=a_b-c_"),
        ("`https://x.test/a`'s", "https://x.test/a"),
        ("|https://x.test/a|b|", "https://x.test/a"),
        ("https://x.test/a…", "https://x.test/a"),
        ('"https://x.test/a"b', "https://x.test/a"),
        ("«https://x.test/a»", "https://x.test/a"),
        ("https://x.test/a?!)", "https://x.test/a"),
        ("https://x.test/a\u200bb", "https://x.test/a"),
    ],
)
def test_a_bare_link_ends_where_mail_programs_end_it(text: str, url: str) -> None:
    assert set(urls(None, text)) == {url}


@pytest.mark.parametrize(
    "url",
    [
        "https://пример.рф/путь?ключ=значение",
        "https://παράδειγμα.test/διαδρομή",
        "https://例え.jp/パス/日本語?名=値",
        "https://مثال.test/مسار",
        "https://דוגמה.test/נתיב",
        "https://उदाहरण.test/पथ",
        "https://ตัวอย่าง.test/ทาง",
        "https://예시.test/경로",
        "https://x.test/Übung/naïve",
        "https://x.test/\U00020000",
    ],
)
def test_a_bare_link_may_have_letters_of_any_script(url: str) -> None:
    assert urls(None, f"A: {url}, B") == [url]


@pytest.mark.parametrize("behind", ["をクリック", "完成注册", "에서 확인", "ที่นี่", "、次"])
def test_a_sentence_without_blanks_goes_on_behind_a_bare_link(behind: str) -> None:
    assert urls(None, f"https://x.test/?t=abc{behind}") == ["https://x.test/?t=abc"]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("<https://x.test/abc\ndef>", "https://x.test/abcdef"),
        ("<URL:https://x.test/abc?\r\n   d=e\t\n f>.", "https://x.test/abc?d=ef"),
        ("> <https://x.test/abc\n> def>", "https://x.test/abcdef"),
        ("<https://x.test/a,b.>", "https://x.test/a,b."),
        ("<https://x.test/a)>", "https://x.test/a)"),
        ("<https://x.test/abc\nand more>", "https://x.test/abc"),
        ("<https://x.test/abc\n\ndef>", "https://x.test/abc"),
        ("<https://x.test/abc\ndef", "https://x.test/abc"),
        ("<https://x.test/abc is it>", "https://x.test/abc"),
    ],
)
def test_a_link_in_angle_brackets_may_go_on_on_the_next_line(text: str, url: str) -> None:
    assert urls(None, text) == [url]


def test_links_are_listed_once_in_their_order() -> None:
    markup = "<a href=https://x.test/b>B</a><a href=https://x.test/a>A</a><a href=https://x.test/b>again</a>"

    assert urls(markup, "https://x.test/a https://x.test/c") == [
        "https://x.test/b",
        "https://x.test/a",
        "https://x.test/c",
    ]


# The 106 names that need no `;` in text: an attribute keeps them before `=`, a letter or a digit.
LEGACY = sorted(name for name in html5 if not name.endswith(";"))


@pytest.mark.parametrize("behind", ["=1", "x=1", "1", "X"])
def test_a_parameter_named_like_a_character_stays_in_the_url(behind: str) -> None:
    query = "&".join(name + behind for name in LEGACY)

    assert urls(f"<a href='https://x.test/?a&{query}'>A</a>") == [f"https://x.test/?a&{query}"]


def test_a_character_reference_in_a_url_is_resolved_where_the_standard_has_one() -> None:
    markup = "<a href='https://x.test/?&amp;a=&#x26;&#38b&copy;&copy-&Aacute &nosuch;&amp'>A</a>"

    assert urls(markup) == ["https://x.test/?&a=&&b©©-Á%20&nosuch;&"]


def test_a_part_of_a_picture_is_a_link_with_its_alternative_text() -> None:
    markup = "<img alt=Hi usemap=#m><map name=m><area href=https://x.test/a alt='Confirm &amp; go'><area alt=b></map>"

    assert links.find(markup, "") == (Link(url="https://x.test/a", text="Confirm & go", kind="verify"),)


def test_a_relative_link_starts_from_the_first_base_of_the_document() -> None:
    markup = "<!-- <base href=//n.test> --><a href=b>B</a><base target=x><base href=' http://x.test/a/'><base href=c>"

    assert urls(f"{markup}<a href=//z.test>Z</a><a href='?c'>C</a>") == [
        "http://x.test/a/b",
        "http://z.test",
        "http://x.test/a/?c",
    ]


@pytest.mark.parametrize(
    ("href", "url"),
    [
        (" \n https://x.test/a \t", "https://x.test/a"),
        ("ht\ntps://x.\ttest/a\r\nb", "https://x.test/ab"),
        ("https://x.test/a b?c d#e f", "https://x.test/a%20b?c%20d#e%20f"),
        ("https://x.test/a\u200bb\u00a0c\x0bd", "https://x.test/a%E2%80%8Bb%C2%A0c%0Bd"),
        ("https://\u200bx.te\u200bst\ufeff/", "https://x.test/"),
        ("https:\\\\x.test\\a?b\\c", "https://x.test/a?b\\c"),
        ("https://пример.test/путь?ключ={a|b}", "https://пример.test/путь?ключ={a|b}"),
        ('https://x.test/<a>?"b"=<c>#<d>', "https://x.test/%3Ca%3E?%22b%22=%3Cc%3E#%3Cd%3E"),
        ("\u200bhttps://x.test/", ""),
        ("https://x .test/", ""),
        ("https://x\u00a0.test/", ""),
    ],
)
def test_a_target_is_read_as_browsers_read_it(href: str, url: str) -> None:
    assert urls(f"<a href='{href}'>A</a>") == ([url] if url else [])


@pytest.mark.parametrize(
    "markup",
    [
        "<style><a href=https://x.test/></style>",
        "<title><a href=https://x.test/>A</a></title>",
        "<textarea><a href=https://x.test/>A</a></textarea>",
        "<template><a href=https://x.test/>A</a></template>",
        "<p title='<a href=https://x.test/>'>A</p>",
        "<div style='display:none'><p>A<a href=https://x.test/>A</a></div>",
        "<a href=https://x.test/ hidden>A</a>",
        "<table><tr style='DISPLAY: none'><td><a href=https://x.test/>A</a></table>",
        "<p style='visibility:hidden'><a href=https://x.test/>A</a></p>",
    ],
)
def test_a_link_that_no_reader_sees_is_left_out(markup: str) -> None:
    assert urls(f"{markup}<a href=https://x.test/seen>B</a>") == ["https://x.test/seen"]


def test_a_hidden_element_that_is_never_closed_keeps_its_links() -> None:
    assert urls("<div style='display:none'><a href=https://x.test/>A</a>") == ["https://x.test/"]


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
        "https:///",
        "https://x%2Ftest/",
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
        ("Don’t email me", "https://x.test/1", "unsubscribe"),
        ("Oui, je m’abonne", "https://x.test/1", "verify"),
        ("Join the workspace", "https://x.test/1", "verify"),
        ("Password managers compared", "https://x.test/1", "other"),
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


@pytest.mark.parametrize(
    ("subject", "before", "kind"),
    [
        ("Five recipes", "Read them all.", "unsubscribe"),
        ("Your receipt", "Thank you.", "other"),
        ("Hello", "We received your payment of $12.00.", "other"),
        ("Plotter Pro", "It renews on 14 December.", "other"),
    ],
)
def test_a_link_to_manage_a_subscription_that_costs_money_does_not_end_mail(
    subject: str, before: str, kind: str
) -> None:
    (link,) = links.find(f"<p>{before}</p><a href='https://x.test/a'>Manage subscription</a>", "", subject)

    assert link.kind == kind


@pytest.mark.parametrize(
    ("receipt", "text"),
    [
        ("Tu recibo", "Gestionar suscripción"),
        ("Votre facture", "Gérer mes abonnements"),
        ("Чек", "Управление подпиской"),
        ("Ваш рахунок", "Керувати підпискою"),
        ("Kvittering", "Abonnementsinnstillinger"),
        ("Tagihan Anda", "Kelola langganan"),
        ("您的发票", "管理订阅"),
    ],
)
def test_words_that_mean_a_paid_subscription_or_a_list_are_told_apart_in_each_language_that_has_them(
    receipt: str, text: str
) -> None:
    markup = f"<a href='https://x.test/a'>{text}</a>"

    assert [links.find(markup, "", subject)[0].kind for subject in (receipt, "Hello")] == ["other", "unsubscribe"]


def test_links_are_bounded_in_number_and_length() -> None:
    markup = "".join(f"<a href=https://x.test/{number}>{'x' * 1000}</a>" for number in range(500))

    bounded = links.find(f"<a href=https://x.test/{'y' * web_urls.CHARACTERS}>long</a>{markup}", "")

    assert len(bounded) == links.LINKS
    assert {len(link.text) for link in bounded} == {anchors.TEXT_CHARACTERS}


def kinds_of_a_mail(subject: str, before: str, text: str) -> list[str]:
    """The kinds of the links in mail as services send it: of its logo, its button, and of help and privacy below."""
    markup = (
        "<table><tr><td><a href='https://x.test/'><img alt=Tidepool src=a.png></a></td></tr></table>"
        f"<p>Hi Ann,</p><p>{before}</p><a style='background:#06c;padding:12px' href='https://x.test/c/8f1c2204ab'>{text}</a>"
        "<p><a href='https://x.test/help'>Help</a> <a href='https://x.test/privacy'>Privacy</a></p>"
    )
    return [link.kind for link in links.find(markup, "", subject)]


@pytest.mark.parametrize(
    ("subject", "before", "text", "kind"),
    [
        ("Verify your address", "Welcome.", "I entered this", "verify"),
        ("Please verify your email address", "One tap to verify your address.", "It belongs to me", "verify"),
        ("Forgotten password", "Hello.", "Choose another one now", "reset"),
        ("Verify your address", "Welcome.", "Our privacy policy", "other"),
        ("Verify your address", "Welcome.", "Track the order", "other"),
        ("Your password was changed", "Hello.", "My devices", "other"),
        ("Your password was changed", "Your password was changed.", "Go to Tidepool", "other"),
        ("New sign-in", "We noticed a new sign-in.", "My devices", "other"),
        ("Your address is verified", "You're all set.", "Explore", "other"),
        ("Re: Verify your address", "I can't, it says 404.", "Here's the log", "other"),
    ],
)
def test_a_button_whose_text_tells_nothing_is_what_the_message_is_about(
    subject: str, before: str, text: str, kind: str
) -> None:
    assert kinds_of_a_mail(subject, before, text) == ["other", kind, "other", "other"]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("Two-factor authentication", "https://x.test/docs/2fa"),
        ("Open the app", "https://x.test/app"),
        ("Tidepool Inc.", "https://x.test"),
        ("x.test/tv", "https://x.test/tv"),
        ("here", "https://x.test/security/phishing"),
        ("This isn't my account", "https://x.test/i/not_my_account?t=8f1c2204ab"),
    ],
)
def test_a_link_in_mail_with_a_code_is_not_what_the_mail_is_about(text: str, url: str) -> None:
    markup = f"<p>Enter 482913 to verify your address.</p><p>We never ask for it: <a href='{url}'>{text}</a></p>"

    (link,) = links.find(markup, "", "Verify your address", has_code=True)

    assert link.kind == "other"


@pytest.mark.parametrize(
    "text",
    [
        "You get this as you have an account. Change which alerts you get: https://x.test/u/prefs",
        "To stop these reminders, go to https://x.test/c/8f1c2204ab",
        "Benachrichtigungen abschalten: https://x.test/einstellungen/benachrichtigung",
        "Para não receber e-mails: https://x.test/sair/x4qaVNyc6A",
    ],
)
def test_a_bare_link_at_the_end_ends_mail_by_the_words_before_it(text: str) -> None:
    (link,) = links.find(None, f"Your parcel comes today.\n\n--\n{text}\n")

    assert link.kind == "unsubscribe"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Dana invited you to the team", "Accept the invitation"),
        ("You are invited to Tidepool", "Create my account"),
        ("Einladung zu Tidepool", "Einladung annehmen"),
        ("Kutsu: luo tilisi", "Hyväksy kutsu ja luo tunnus"),
    ],
)
def test_a_link_to_accept_an_invitation_to_an_account_is_to_verify(subject: str, text: str) -> None:
    assert kinds_of_a_mail(subject, "Dana has asked you to join.", text)[1] == "verify"


def test_an_address_of_mail_is_no_link_that_a_message_is_about() -> None:
    assert links.find("<a href='mailto:a@x.test'>Zebra</a>", "", "Verify your address") == ()

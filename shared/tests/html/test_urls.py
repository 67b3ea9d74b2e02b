"""The URLs that browsers go to; the expected ones are those of `new URL(href, base)` (URL Standard)."""

import pytest

from fake_email.html import urls


@pytest.mark.parametrize("slashes", ["", "/", "\\", "//", "\\\\", "/\\", "///", "\\\\\\/"])
@pytest.mark.parametrize("scheme", ["https", "HTTPS", "ht\ttps", " https"])
def test_any_number_of_slashes_leads_to_the_host(scheme: str, slashes: str) -> None:
    assert urls.shown(f"{scheme}:{slashes}x.test/a").lower() == "https://x.test/a"


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("https:x.test", "https://base.test/d/x.test"),
        ("https:x.test:8080/b", "https://base.test/d/x.test:8080/b"),
        ("https:/x.test", "https://base.test/x.test"),
        ("https:\\x.test", "https://base.test/x.test"),
        ("https:?q", "https://base.test/d/e?q"),
        ("https:///x.test", "https://x.test"),
        ("http:x.test", "http://x.test"),
        ("\\a\\b?c\\d", "https://base.test/a/b?c\\d"),
        ("/\\x.test", "https://x.test"),
        ("\\/x.test", "https://x.test"),
    ],
)
def test_a_url_is_relative_to_a_base_of_its_scheme_alone(href: str, url: str) -> None:
    assert urls.shown(href, "https://base.test/d/e") == url


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("https:/bank.test@x.test/", "https://bank.test@x.test/"),
        ("https:x.test\\@bank.test", "https://x.test/@bank.test"),
        ("https:///x.test#@bank.test", "https://x.test#@bank.test"),
        ("https:\\\\bank.test:80@x.test?a\\b", "https://bank.test:80@x.test?a\\b"),
        ("ht\ntps:/bank.test@x\t.test", "https://bank.test@x.test"),
        ("https://%78%2Etest/a%2E", "https://x.test/a%2E"),
        ("https://a%40b@%78.test:80/", "https://a%40b@x.test:80/"),
    ],
)
def test_the_host_of_a_hostile_url_is_where_it_leads(href: str, url: str) -> None:
    assert urls.shown(href) == url


@pytest.mark.parametrize("href", ["https:", "https:///", "https:/@", "http:\\\\", "https:?a", "https:#a"])
@pytest.mark.parametrize("host", ["", "x%2Ftest", "x%40bank.test", "x%3A80", "x%00", "x%FF", "x y", "x<"])
def test_a_url_without_a_host_that_may_be_leads_nowhere(href: str, host: str) -> None:
    assert urls.shown(f"{href}{host}" if href[-1] in ":/@\\" else href) == ""

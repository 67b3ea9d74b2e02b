"""The targets of URLs that services wrapped."""

from base64 import urlsafe_b64encode
from urllib.parse import quote

import pytest

from fake_email.findings import links, wrapped_links

URL = "https://a.test/verify?t=1&u=a%20b#c"
QUOTED = quote(URL, safe="")
ENCODED = urlsafe_b64encode(URL.encode()).decode().rstrip("=")
JSON = (
    urlsafe_b64encode(b'{"p":"{\\"u\\":1,\\"url\\":\\"https:\\\\\\/\\\\\\/a.test\\\\\\/verify\\"}"}')
    .decode()
    .rstrip("=")
)


@pytest.mark.parametrize(
    "url",
    [
        f"https://eur01.safelinks.protection.outlook.com/?url={QUOTED}&data=05%7C02%7Cann%40b.test&reserved=0",
        f"https://EUR01.safelinks.protection.outlook.com:443/ap/w-59584e83/?data=1&amp;url={QUOTED}",
        f"https://www.google.com/url?sa=D&q={QUOTED}&ust=17&usg=x",
        f"https://www.google.co.uk/url?url={QUOTED}",
        f"https://linkprotect.cudasvc.com/url?a={QUOTED}&c=E,1,x",
        f"https://urldefense.proofpoint.com/v1/url?u={QUOTED}&k=x",
        f"https://urldefense.proofpoint.com/v2/url?u={quote(URL, safe='').replace('%', '-')}&d=x&e=",
        "https://urldefense.com/v3/__https://a.test/verify?t=1*u=a*20b*c__;JiUj!!x!y$",
        f"https://secure-web.cisco.com/1aB_-x/{QUOTED}",
        f"https://x1.r.eu-west-1.awstrack.me/L0/{QUOTED.replace('%3A', ':')}/1/0102-0/x=1",
        f"https://click.mail.test/CL0/{QUOTED.replace('%3A', ':')}/1/0102-0/x=1",
        f"https://url.avanan.click/v2/___{URL}___.YXAxZTp4",
        f"https://eu-central-1.protection.sophos.com/?d=a.test&u={ENCODED}&p=m",
        f"https://x1.mjt.lu/lnk/AAAA/1/abcdefghijklmn/{ENCODED}",
        f"https://click.pstmrk.it/3s/{quote(URL.removeprefix('https://'), safe='')}/x/y/1",
        f"https://l.facebook.com/l.php?u={QUOTED}&h=x",
        f"https://www.youtube.com/redirect?event=x&q={QUOTED}",
        f"https://imsva.trendmicro.com:443/wis/clicktime/v1/query?url={QUOTED}&umid=x",
        f"https://clicktime.symantec.com/1x?h=x&u={QUOTED}",
        f"https://protect2.fireeye.com/v1/url?k=x&q=1&u={QUOTED}",
        f"https://slack-redir.net/link?url={QUOTED}",
        "https://eur01.safelinks.protection.outlook.com/?url="
        + quote(f"https://www.google.com/url?q={QUOTED}", safe=""),
    ],
)
def test_a_wrapped_url_has_the_target_that_it_holds(url: str) -> None:
    assert wrapped_links.target(url) == URL


def test_the_target_may_be_in_json_in_base64() -> None:
    assert wrapped_links.target(f"https://mandrillapp.com/track/click/1/a.test?p={JSON}") == "https://a.test/verify"
    assert wrapped_links.target(f"https://e.customeriomail.com/e/c/{JSON}/0a1b") == "https://a.test/verify"


def test_proofpoint_keeps_runs_of_unusual_characters_apart() -> None:
    assert wrapped_links.target("https://urldefense.com/v3/__https:/a.test/*b**Bc__;w6nDpMO2w7w!!x!y$") == (
        "https://a.test/ébäöüc"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://a.test/",
        f"https://a.test/?url={QUOTED}",
        f"https://a.test/login?continue={QUOTED}",
        f"https://www.google.com/search?q={QUOTED}",
        f"https://www.facebook.com/sharer.php?u={QUOTED}",
        "https://u1.ct.sendgrid.net/ls/click?upn=u001.abcdefghijklmnop",
        "https://protect-us.mimecast.com/s/abcdefgh?domain=a.test",
        "https://eur01.safelinks.protection.outlook.com/?url=javascript%3Aalert(1)",
        "https://eur01.safelinks.protection.outlook.com/?url=a.test",
        "https://urldefense.com/v3/__*__;_!!x",
        "https://urldefense.com/v3/__https:a__;!!x",
        "https://notsafelinks.protection.outlook.com.a.test/?url=https://b.test/",
        "https://x.mjt.lu/lnk/AAAA/not-base64-of-a-url",
        "mailto:a@b.test",
        "https://",
    ],
)
def test_another_url_has_no_target(url: str) -> None:
    assert wrapped_links.target(url) is None


def test_a_link_has_its_target_and_the_kind_of_it() -> None:
    href = f"https://eur01.safelinks.protection.outlook.com/?url={QUOTED}&amp;data=1"

    (link,) = links.find(f"<a href='{href}'>Go</a>", "")

    assert (link.target, link.kind, link.url) == (URL, "verify", href.replace("&amp;", "&"))

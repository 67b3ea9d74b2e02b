"""Web pages in a real browser create mailboxes as CORS_ALLOWED_ORIGINS says, also with calls that need no preflight."""

import psycopg
import pytest
from support.browser import Browser, Tab
from support.harness import Pair

POST = """<title>Waits</title><script type=module>
    const sent = {{ method: "POST", mode: "no-cors", headers: {{ "Content-Type": "text/plain" }}, body: "{{}}" }}
    await fetch("{url}/api/temporary-address", sent).catch(() => null)
    document.title = "Done"
</script>"""


def mailboxes(pair: Pair) -> int:
    with psycopg.connect(pair.database_url) as connection:
        [(number,)] = connection.execute("SELECT count(*) FROM mailbox").fetchall()
    return int(number)


@pytest.mark.parametrize(("host", "created"), [("stranger.page.test", 0), ("mail.page.test", 1)])
async def test_a_web_page_creates_a_mailbox_only_if_its_origin_is_listed(
    shown: Pair, browser: Browser, tab: Tab, host: str, created: int
) -> None:
    browser.pages.content_of[f"{host}/"] = POST.format(url=shown.http_url)
    before = mailboxes(shown)

    await tab.open(f"http://{host}/")
    await tab.wait_for("document.title", {"Done": 1})

    assert mailboxes(shown) - before == created

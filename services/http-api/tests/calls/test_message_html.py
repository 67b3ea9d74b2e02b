"""GET /api/messages/{id}/html: the HTML of a message, safe to show."""

import asyncio
import base64
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair, running_http
from support.http_client import client, problem
from support.smtp_client import SmtpClient

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
ORIGINS = "https://mail.test,https://my-app-*.vercel.app"


@pytest.fixture(scope="module")
def service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Another http-api on the pair's database, with allowed origins."""
    with running_http(pair.database_url, tmp_path_factory.mktemp("html"), CORS_ALLOWED_ORIGINS=ORIGINS) as service:
        yield service


@pytest.fixture
async def of_frontends(service: Pair) -> AsyncIterator[httpx.AsyncClient]:
    async with client(service.http_url) as http:
        yield http


def html_message(html: str, *images: tuple[str, bytes], line_end: bytes = b"\r\n") -> bytes:
    """A message with this HTML, and images by their Content-ID."""
    parts = [("text/html; charset=utf-8", "page", html.encode()), *(("image/png", *image) for image in images)]
    lines = [b"Subject: x", b"MIME-Version: 1.0", b'Content-Type: multipart/related; boundary="b"', b""]
    for media_type, content_id, octets in parts:
        lines += [b"--b", b"Content-Type: " + media_type.encode(), f"Content-ID: <{content_id}>".encode()]
        lines += [b"Content-Transfer-Encoding: base64", b"", *base64.encodebytes(octets).splitlines()]
    return line_end.join([*lines, b"--b--", b""])


async def newest(http: httpx.AsyncClient, address: str, **headers: str) -> str:
    """The path of the HTML of the newest message in a mailbox."""
    polled = await http.get("/api/inbox/poll", params={"address": address}, headers=headers)
    return f"/api/messages/{polled.json()['messages'][-1]['id']}/html"


async def call(pair: Pair, http: httpx.AsyncClient, content: bytes) -> str:
    """The path of the HTML of a message with this content, stored in a mailbox of its own."""
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, content)
    return await newest(http, address)


async def test_images_of_other_hosts_that_are_left_out_are_counted(pair: Pair, http: httpx.AsyncClient) -> None:
    images = (
        "<img src=https://a.test/1.png><img src=https://a.test/1.png><p style='background:url(https://a.test/2.png)'>"
    )
    url = await call(pair, http, html_message(images))

    without, with_them = await http.get(url), await http.get(url, params={"remote": True})
    whole = await http.get(url.removesuffix("/html"))

    assert without.headers["remote-images-blocked"] == "2"
    assert with_them.headers["remote-images-blocked"] == "0"
    assert whole.json()["remote_images"] == 2


async def test_images_of_a_message_that_a_release_before_stored_are_counted_by_the_page_alone(
    pair: Pair, http: httpx.AsyncClient
) -> None:
    url = await call(pair, http, html_message("<img src=https://a.test/1.png>"))
    message_id = url.split("/")[3]
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE message SET remote_images = NULL WHERE id = %s", [message_id])

    page, whole = await http.get(url), await http.get(url.removesuffix("/html"))

    assert page.headers["remote-images-blocked"] == "1"
    assert whole.json()["remote_images"] is None


async def test_a_message_without_html_has_no_remote_images(pair: Pair, http: httpx.AsyncClient) -> None:
    url = await call(pair, http, b"Subject: a\r\n\r\nhttps://a.test/1.png\r\n")

    assert (await http.get(url.removesuffix("/html"))).json()["remote_images"] == 0


async def test_an_embedded_page_allows_one_script_by_its_hash_and_has_no_origin(
    pair: Pair, http: httpx.AsyncClient
) -> None:
    url = await call(pair, http, html_message("<script>alert(1)</script><p>Hello</p>"))

    plain, embedded = await http.get(url), await http.get(url, params={"embed": True})

    assert "script" not in plain.text + plain.headers["content-security-policy"]
    assert embedded.text.count("<script>") == 1
    assert "alert" not in embedded.text
    policy = dict(each.split(" ", 1) for each in embedded.headers["content-security-policy"].split("; "))
    digest = base64.b64encode(
        hashlib.sha256(embedded.text.split("<script>")[1].split("</script>")[0].encode()).digest()
    )
    assert policy["script-src"] == f"'sha256-{digest.decode()}'"
    assert policy["sandbox"] == "allow-popups allow-popups-to-escape-sandbox allow-scripts"
    weaker = embedded.headers["content-security-policy"]
    stricter = weaker.replace(f"; script-src {policy['script-src']}", "").removesuffix(" allow-scripts")
    assert plain.headers["content-security-policy"] == stricter


async def test_the_response_is_an_html_page(pair: Pair, http: httpx.AsyncClient) -> None:
    answer = await http.get(await call(pair, http, html_message("<p onclick=a>Grüße</p><script>b</script>")))

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")
    assert "<p>Grüße</p></body>" in answer.text


async def test_the_page_may_run_and_load_nothing(pair: Pair, http: httpx.AsyncClient) -> None:
    answer = await http.get(await call(pair, http, html_message("a")))

    assert answer.headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    ]


@pytest.mark.parametrize("wanted", ["1", "true"])
async def test_with_remote_the_page_may_load_images_and_style_sheets(
    pair: Pair, http: httpx.AsyncClient, wanted: str
) -> None:
    url = await call(pair, http, html_message("<img src=https://a.test/b.png>"))

    without = await http.get(url)
    answer = await http.get(url, params={"remote": wanted})

    assert "a.test" not in without.text
    assert '<img src="https://a.test/b.png">' in answer.text
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[:3] == [
        "default-src 'none'",
        "img-src data: https: http:",
        "style-src 'unsafe-inline' https: http:",
    ]


async def test_an_invalid_value_of_remote_is_bad_input(pair: Pair, http: httpx.AsyncClient) -> None:
    answer = await http.get(await call(pair, http, html_message("a")), params={"remote": "some"})

    assert (answer.status_code, problem(answer)["field"]) == (400, "remote")


async def test_the_page_is_not_cached_and_sends_no_referrer(pair: Pair, http: httpx.AsyncClient) -> None:
    answer = await http.get(await call(pair, http, html_message("a")))

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
async def test_images_that_came_with_the_message_are_in_the_page(
    pair: Pair, http: httpx.AsyncClient, line_end: bytes
) -> None:
    content = html_message("<img src='cid:a@b.test'><img src=cid:c alt=d>", ("a@b.test", PNG), line_end=line_end)

    answer = await http.get(await call(pair, http, content))

    assert f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}"><img alt="d">' in answer.text


@pytest.mark.parametrize("reference", ["https://a.test/img/b.png", "b.png"])
async def test_images_may_be_named_by_their_content_location(
    pair: Pair, http: httpx.AsyncClient, reference: str
) -> None:
    content = html_message(f"<img src='{reference}'>", ("a@b.test", PNG))
    content = content.replace(b"Content-ID: <a@b.test>", b"Content-Location: https://a.test/img/b.png")

    answer = await http.get(await call(pair, http, content))

    assert "data:image/png" in answer.text


async def test_images_past_the_limit_are_left_out(pair: Pair, http: httpx.AsyncClient) -> None:
    images = [(f"i{number}", PNG + bytes(3_000_000)) for number in range(4)]
    html = "".join(f"<img src=cid:{name} alt={name}>" for name, _ in images)

    answer = await http.get(await call(pair, http, html_message(html, *images)))

    assert answer.status_code == 200
    assert answer.text.count("data:image/png") == 2
    assert '<img alt="i3">' in answer.text


async def test_a_message_without_html_gets_the_code_no_html(pair: Pair, http: httpx.AsyncClient) -> None:
    answer = await http.get(await call(pair, http, message()))

    assert (answer.status_code, problem(answer)["code"]) == (404, "no_html")


@pytest.mark.parametrize("message_id", [str(uuid.UUID(int=7)), "7", "x" * 100, "%00"])
async def test_an_unknown_message_is_not_found(http: httpx.AsyncClient, message_id: str) -> None:
    answer = await http.get(f"/api/messages/{message_id}/html")

    assert (answer.status_code, problem(answer)["code"]) == (404, "message_not_found")


@pytest.mark.parametrize("has_html", [True, False])
async def test_a_private_message_is_shown_only_with_its_token(
    http: httpx.AsyncClient, smtp: SmtpClient, has_html: bool
) -> None:
    made = (await http.post("/api/temporary-address", json={"private": True})).json()
    await smtp.deliver(html_message("a") if has_html else message(), made["temp_email_addr"])
    bearer = {"Authorization": f"Bearer {made['token']}"}
    url = await newest(http, made["temp_email_addr"], **bearer)

    right = [await http.get(url, headers=bearer), await http.get(url, params={"access_token": made["token"]})]
    wrong = [
        await http.get(url),
        await http.get(url, headers={"Authorization": "Bearer x"}),
        await http.get(url, params={"access_token": "x"}),
    ]
    missing = await http.get(f"/api/messages/{uuid.UUID(int=7)}/html")

    assert [answer.status_code for answer in right] == [200 if has_html else 404] * 2
    assert "message_not_found" not in right[0].text
    assert {(answer.status_code, answer.content) for answer in wrong} == {(404, missing.content)}


@pytest.mark.parametrize(
    ("referer", "ancestors"),
    [
        (None, "https://mail.test"),
        ("https://mail.test/inbox", "https://mail.test"),
        ("https://my-app-1.vercel.app/", "https://mail.test https://my-app-1.vercel.app"),
        ("https://my-app-1.vercel.app.evil.test/", "https://mail.test"),
        ("https://my-app-1.vercel.app:1/", "https://mail.test"),
        ("https://evil.test/https://my-app-1.vercel.app", "https://mail.test"),
        ("https://my-app-;script-src.vercel.app/", "https://mail.test"),
        ("https://[", "https://mail.test"),
    ],
)
async def test_web_pages_of_listed_origins_may_show_the_page_in_a_frame(
    pair: Pair, of_frontends: httpx.AsyncClient, referer: str | None, ancestors: str
) -> None:
    url = await call(pair, of_frontends, html_message("a"))

    answer = await of_frontends.get(url, headers={"Referer": referer} if referer else {})

    assert f"; frame-ancestors {ancestors}; sandbox" in answer.headers["content-security-policy"]


async def test_other_calls_are_served_while_pages_are_made(pair: Pair, http: httpx.AsyncClient) -> None:
    url = await call(pair, http, html_message("<p style='color:red'>" * 15_000))
    made: list[str] = []

    async def make() -> None:
        assert (await http.get(url)).status_code == 200
        made.append("page")

    async def ask() -> None:
        assert (await http.get("/api/health")).status_code == 200
        made.append("health")

    for _ in range(5):  # a busy machine may keep the client from asking until a page is made
        made.clear()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(make())
            tasks.create_task(ask())
        if made[0] == "health":
            break

    assert made[0] == "health"

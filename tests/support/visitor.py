"""A person at the page: looks, clicks, types and presses keys in a real browser."""

import asyncio
import json
from collections.abc import Callable

import httpx
from support.browser import Tab
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, deadline

CODE = (
    b"From: ACME Accounts <accounts@acme.test>\r\nSubject: Confirm your sign-up\r\n"
    b"Content-Type: text/html\r\n\r\n"
    b"<p>Your verification code is <b>482913</b>.</p>"
    b"<a href='https://acme.test/verify?t=Qm9w'>Verify your email</a>\r\n"
)
_WATCH = """
window.violations = []
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    violations.push(`${violatedDirective} ${blockedURI}`))
"""
# The error of Chromium while one document takes the place of another.
_BETWEEN_DOCUMENTS = ("navigated or closed", "default execution context", "context was destroyed")
# What only a screen reader tells of new mail and of a search is not seen.
_SEEN = """document.body.innerText.replace(document.querySelector("[data-news]")?.innerText || "\\0", "")"""
_CONTROL = 2  # of Input.dispatchKeyEvent
_KEY_CODES = {"Enter": 13, "Escape": 27, "Delete": 46, "ArrowDown": 40, "ArrowUp": 38}


class Visitor:
    """One visit to the page; each check repeats until it holds or its deadline passes."""

    def __init__(self, tab: Tab, url: str) -> None:
        self.tab = tab
        self.url = url

    async def begin(self, width: int = 1280, height: int = 800) -> None:
        """Open the page in a browser that has never been there."""
        origin = self.url.rstrip("/")
        await self.tab.call("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        await self.tab.call("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        await self.tab.call("Browser.grantPermissions", "", origin=origin, permissions=permissions)
        await self.resize(width, height)
        await self.tab.call("Emulation.setFocusEmulationEnabled", enabled=True)
        await self.visit()

    async def visit(self) -> None:
        """Open the page, as at the next visit, and wait until mail would show up."""
        await self.tab.open(self.url)
        await self.is_so("document.querySelector('.status.live') !== null")

    async def is_still(self) -> None:
        """Wait until nothing fades or moves that will come to an end: meanwhile a text has less contrast."""
        await self.is_so(
            "document.getAnimations().every("
            "(each) => each.playState !== 'running' || each.effect.getComputedTiming().endTime === Infinity)"
        )

    async def resize(self, width: int, height: int) -> None:
        await self.tab.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    async def colours(self, scheme: str) -> None:
        """Prefer light or dark."""
        wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        await self.tab.call("Emulation.setEmulatedMedia", features=features)

    async def value(self, script: str) -> object:
        """The value of the script, or of the promise that it is, in the page's own document."""
        while True:
            try:
                ran = await self.tab.call(
                    "Runtime.evaluate", expression=script, returnByValue=True, userGesture=True, awaitPromise=True
                )
            except AssertionError as error:
                if not any(words in str(error) for words in _BETWEEN_DOCUMENTS):
                    raise
            else:
                assert "exceptionDetails" not in ran, ran
                result = ran["result"]
                assert isinstance(result, dict)
                return result.get("value")

    async def is_so(self, script: str) -> None:
        """Wait until the script is true in the page's own document."""
        # Never cancelled within a call, whose response nobody would expect then.
        ends_at = asyncio.get_running_loop().time() + DEADLINE_SECONDS
        while await self.value(f"Promise.resolve({script}).then(Boolean)") is not True:
            if asyncio.get_running_loop().time() > ends_at:
                text = await self.value("document.body.innerText")
                raise AssertionError(f"{script}: not so on this page: {text}")

    async def sees(self, text: str) -> None:
        await self.is_so(f"{_SEEN}.includes({json.dumps(text)})")

    async def sees_no(self, text: str) -> None:
        await self.is_so(f"!{_SEEN}.includes({json.dumps(text)})")

    async def address(self) -> str:
        await self.is_so("document.querySelector('.address')")
        return str(await self.value("document.querySelector('.address').textContent"))

    async def token(self) -> str:
        """The token of the mailbox that was made last."""
        return str(await self.value("JSON.parse(localStorage['fake-email.mailboxes'])[0].token"))

    async def click(self, name: str) -> None:
        """Click the button, link, choice or field whose accessible name or text begins so."""
        find = f"""[
            ...document.querySelectorAll("button, a, label, summary, [role=option], input[aria-label]")
        ].find((each) => (each.getAttribute("aria-label") ?? each.textContent.trim()).startsWith({json.dumps(name)}))"""
        await self.is_so(f"{find} && !{find}.disabled")
        await self.value(f"{find}.click()")

    async def types(self, text: str) -> None:
        await self.tab.call("Input.insertText", text=text)

    async def presses(self, key: str, *, control: bool = False) -> None:
        code = _KEY_CODES.get(key, 0)
        text = {} if control or (code and key != "Enter") else {"text": "\r" if key == "Enter" else key}
        modifiers = _CONTROL if control else 0
        for kind, typed in (("keyDown", text), ("keyUp", {})):
            await self.tab.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, modifiers=modifiers, **typed
            )

    async def opens(self, subject: str) -> None:
        """Open the message with this subject, and wait until it is shown."""
        await self.click(f"Unread: {subject}")
        await self.is_so(f"document.querySelector('#subject')?.textContent === {json.dumps(subject)}")

    async def has_copied(self, text: str) -> None:
        """Wait until this text is on the clipboard."""
        await self.is_so(f"navigator.clipboard.readText().then((text) => text === {json.dumps(text)})")

    async def violations(self) -> object:
        return await self.value("window.violations")


async def deliver(visitor: Visitor, smtp: SmtpClient, *contents: bytes) -> None:
    """Send these messages to the visitor's mailbox, in this order."""
    address = await visitor.address()
    for content in contents:
        reply = await smtp.deliver(content, address)
        assert reply.code == 250


async def stored(visitor: Visitor, http: httpx.AsyncClient, query: str | None = None) -> list[dict[str, object]]:
    """The messages of the visitor's mailbox as the API has them, or those that the query finds."""
    response = await http.get(
        "/api/inbox/messages",
        params={"address": await visitor.address()} | ({"query": query} if query else {}),
        headers={"Authorization": f"Bearer {await visitor.token()}"},
    )
    messages: list[dict[str, object]] = response.json()["messages"]
    return messages


async def until_stored(
    visitor: Visitor,
    http: httpx.AsyncClient,
    is_so: Callable[[list[dict[str, object]]], bool],
    query: str | None = None,
) -> None:
    """Wait until the API has what the page shows already: the page shows a change before its call has ended."""
    for _ in deadline():
        found = await stored(visitor, http, query)
        if is_so(found):
            return
    raise AssertionError(found)


async def _ticket(visitor: Visitor, http: httpx.AsyncClient) -> str:
    """A ticket for the visitor's mailbox."""
    mailbox = {"address": await visitor.address(), "token": await visitor.token()}
    response = await http.post("/api/tickets", json={"mailboxes": [mailbox]})
    return str(response.json()["ticket"])


async def share(visitor: Visitor, http: httpx.AsyncClient) -> str:
    """Open the mailbox as somebody who got its link, and return its ticket."""
    made = await _ticket(visitor, http)
    await visitor.tab.open(f"{visitor.url}share#{made}")
    await visitor.is_so("document.querySelector('.status.live')")
    return made

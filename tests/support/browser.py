"""Headless Chromium, spoken to over its DevTools protocol (chromedevtools.github.io/devtools-protocol).

The hosts of page.test are one listener, every other host of test is another: a page that fetched nothing of others has
not even connected to that. No other name is found.
"""

import asyncio
import base64
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import websockets
from support.harness import DEADLINE_SECONDS, deadline
from support.web_server import Listener

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--remote-debugging-port=0",
)


def command() -> str | None:
    """The Chromium of this machine, None: it has none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class _Said(msgspec.Struct, frozen=True, rename="camel"):
    """An answer, or an event."""

    id: int = 0
    method: str = ""
    session_id: str = ""
    params: dict[str, object] = {}
    result: dict[str, object] = {}
    error: dict[str, object] = {}


class _Context(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    aux_data: dict[str, object]
    unique_id: str


class _Target(msgspec.Struct, frozen=True, rename="camel"):
    target_id: str
    type: str


class _Loaded(msgspec.Struct, frozen=True, rename="camel"):
    frame_id: str
    loader_id: str = ""
    error_text: str = ""


class Tab:
    """One page, with what happens in it and in the frames that it holds."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.requests: list[str] = []
        self.kinds: dict[str, str] = {}  # of these: Document, Image, Script…
        self.dialogs: list[str] = []
        self.console: list[str] = []
        self.popups: list[str] = []
        self.frames: list[str] = []  # the addresses of all that was navigated to
        self._socket = socket
        self._session = ""
        self._contexts: dict[tuple[str, int], _Context] = {}
        self._sent = 0
        self._answers: dict[int, asyncio.Future[_Said]] = {}
        self._events: list[_Said] = []
        self._changed = asyncio.Condition()

    async def listen(self) -> None:
        """Take in what the browser says, until it says no more."""
        async for octets in self._socket:
            said = msgspec.json.decode(octets, type=_Said)
            if said.id:
                self._answers.pop(said.id).set_result(said)
            else:
                await self._take(said)

    async def call(self, method: str, session: str | None = None, **parameters: object) -> dict[str, object]:
        """The result of a method of the protocol; raises AssertionError when it fails."""
        said = await asyncio.wait_for(await self._send(method, session, parameters), DEADLINE_SECONDS)
        assert not said.error, (method, said.error)
        return said.result

    async def _send(self, method: str, session: str | None, parameters: dict[str, object]) -> "asyncio.Future[_Said]":
        self._sent += 1
        answer = self._answers[self._sent] = asyncio.get_running_loop().create_future()
        call = {"id": self._sent, "method": method, "params": parameters}
        session = self._session if session is None else session
        await self._socket.send(msgspec.json.encode(call | ({"sessionId": session} if session else {})).decode())
        return answer

    async def _take(self, said: _Said) -> None:
        what = said.params
        match said.method:
            case "Target.attachedToTarget":
                session = str(what["sessionId"])
                for method, parameters in _WATCHED:
                    await self._send(method, session, parameters)
                await self._send("Runtime.runIfWaitingForDebugger", session, {})
            case "Network.requestWillBeSent":
                url = _text(what, "request", "url")
                if not url.startswith("data:"):  # which is in the page
                    self.requests.append(url)
                    self.kinds[url] = str(what.get("type"))
            case "Page.javascriptDialogOpening":
                self.dialogs.append(str(what["message"]))
                await self._send("Page.handleJavaScriptDialog", said.session_id, {"accept": False})
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.console.append(str(what))
            case "Page.windowOpen":
                self.popups.append(str(what["url"]))
            case "Page.frameNavigated":
                self.frames.append(_text(what, "frame", "url"))
            case _:
                self._keep_contexts(said)
        async with self._changed:
            self._events.append(said)
            self._changed.notify_all()

    def _keep_contexts(self, said: _Said) -> None:
        match said.method:
            case "Runtime.executionContextCreated":
                context = msgspec.convert(said.params["context"], _Context)
                self._contexts[said.session_id, context.id] = context
            case "Runtime.executionContextDestroyed":
                number = said.params["executionContextId"]
                assert isinstance(number, int)
                self._contexts.pop((said.session_id, number), None)
            case "Runtime.executionContextsCleared":
                self._forget(said.session_id)
            case "Target.detachedFromTarget":
                self._forget(str(said.params["sessionId"]))

    def _forget(self, session: str) -> None:
        for key in [key for key in self._contexts if key[0] == session]:
            del self._contexts[key]

    async def begin(self) -> None:
        targets = msgspec.convert((await self.call("Target.getTargets"))["targetInfos"], list[_Target])
        [page] = [target.target_id for target in targets if target.type == "page"]
        attached = await self.call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = str(attached["sessionId"])
        for method, parameters in _WATCHED:
            await self.call(method, None, **parameters)

    async def open(self, url: str) -> None:
        """Return when the page and what it holds are loaded."""
        for record in (self.requests, self.dialogs, self.console, self.popups, self.frames, self._events):
            record.clear()
        self.kinds.clear()
        loaded = msgspec.convert(await self.call("Page.navigate", url=url), _Loaded)
        assert not loaded.error_text, loaded
        async with asyncio.timeout(DEADLINE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: any(said.method == "Page.loadEventFired" for said in self._events))

    async def screenshot(self) -> bytes:
        """What is seen, as PNG; painting it lets happen what was about to."""
        taken = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(str(taken["data"]))

    async def evaluate(self, script: str) -> list[object]:
        """What the script comes to in each of the page's frames; it runs where the page's own may not."""
        values = []
        for (session, _), context in list(self._contexts.items()):
            if context.aux_data.get("isDefault"):
                call: dict[str, object] = {
                    "expression": script,
                    "uniqueContextId": context.unique_id,
                    "returnByValue": True,
                    "userGesture": True,
                    "awaitPromise": True,
                }
                ran = await asyncio.wait_for(await self._send("Runtime.evaluate", session, call), DEADLINE_SECONDS)
                if "not found" in str(ran.error):  # the frame shows something else by now
                    continue
                assert not ran.error, ran
                assert "exceptionDetails" not in ran.result, ran
                result = ran.result["result"]
                assert isinstance(result, dict)
                values.append(result.get("value"))
        return values

    async def holds(self, script: str, values: dict[str, int]) -> None:
        """Return when the script comes to each of these in so many frames; raises TimeoutError."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while Counter(map(str, await self.evaluate(script))) != values:
                pass


_WATCHED: tuple[tuple[str, dict[str, object]], ...] = (
    ("Page.enable", {}),
    ("Runtime.enable", {}),
    ("Network.enable", {}),
    ("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}),
)


def _text(values: dict[str, object], outer: str, inner: str) -> str:
    found = values[outer]
    assert isinstance(found, dict)
    return str(found[inner])


class Browser(msgspec.Struct, frozen=True):
    """A running Chromium, whose pages they are that it opens, and who answers for everybody else."""

    url: str
    pages: Listener
    others: Listener

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """The one page, watched during the block."""
        async with websockets.connect(self.url, max_size=None) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            try:
                await tab.begin()
                yield tab
                await tab.call("Page.navigate", url="about:blank")
            finally:
                listening.cancel()


@contextmanager
def running(program: str, directory: Path) -> Iterator[Browser]:
    """Chromium with a new profile in this directory, ready; gone after the block."""
    pages, others = Listener(), Listener()
    hosts = {"*.page.test": f"127.0.0.1:{pages.port}", "*.test": f"127.0.0.1:{others.port}", "*": "~NOTFOUND"}
    maps = ", ".join(f"MAP {host} {where}" for host, where in hosts.items())
    rules = f"--host-resolver-rules={maps}, EXCLUDE 127.0.0.1"
    with (directory / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *_OPTIONS, rules, f"--user-data-dir={directory}", "about:blank"],
            env=os.environ | {"HOME": str(directory)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        port_file = directory / "DevToolsActivePort"
        for _ in deadline():
            lines = port_file.read_text().splitlines() if port_file.exists() else []
            if len(lines) > 1:
                break
            assert process.poll() is None, (directory / "chromium.log").read_text()
        yield Browser(f"ws://127.0.0.1:{lines[0]}{lines[1]}", pages, others)
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)
        pages.close()
        others.close()

"""Headless Chromium, controlled over its DevTools protocol (chromedevtools.github.io/devtools-protocol).

One web server serves the hosts under page.test, another all other hosts under test. A web page that fetched nothing
from others has not even connected to the second server. No other host name resolves.
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
from support.waiting import DEADLINE_SECONDS, deadline
from support.web_server import WebServer

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Never connect, prefetch or render ahead of a reader: a connection to a stranger's host is then the mail's doing.
_AHEAD = ("AnchorElementInteraction", "NavigationPredictor", "PreconnectToSearch", "Prerender2")
_PREFERENCES = {"net": {"network_prediction_options": 2}}
# A process for each site and for each sandboxed frame, and a spare one, would take a third of the time of these tests.
# Policies and origins hold within a process too.
_PROCESSES = ("IsolateSandboxedIframes", "SpareRendererForSitePerProcess")
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-site-isolation-trials",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    f"--disable-features={','.join((*_AHEAD, *_PROCESSES))}",
    "--remote-debugging-port=0",
)


def command() -> str | None:
    """Return the path of this machine's Chromium, None when it has none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class _Received(msgspec.Struct, frozen=True, rename="camel"):
    """A response or an event of the protocol."""

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


class _Request(msgspec.Struct, frozen=True):
    headers: dict[str, str]


class _Target(msgspec.Struct, frozen=True, rename="camel"):
    target_id: str
    type: str


class _Loaded(msgspec.Struct, frozen=True, rename="camel"):
    frame_id: str
    loader_id: str = ""
    error_text: str = ""


class Tab:
    """One web page, with what happens in it and in its frames."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.requests: list[str] = []
        self.resource_types: dict[str, str] = {}  # by request: Document, Image, Script…
        self.dialogs: list[str] = []
        self.console: list[str] = []
        self.popups: list[str] = []
        self.frames: list[str] = []  # the URLs of all navigations
        self.forwarded: dict[str, str] = {}  # header fields that a proxy adds, after a call of `Fetch.enable`
        self._socket = socket
        self._session = ""
        self._contexts: dict[tuple[str, int], _Context] = {}
        self._sent = 0
        self._responses: dict[int, asyncio.Future[_Received]] = {}
        self._events: list[_Received] = []
        self._changed = asyncio.Condition()

    async def listen(self) -> None:
        """Process the browser's messages until it ends the connection."""
        async for octets in self._socket:
            message = msgspec.json.decode(octets, type=_Received)
            if message.id:
                self._responses.pop(message.id).set_result(message)
            else:
                await self._process(message)

    async def call(self, method: str, session: str | None = None, **parameters: object) -> dict[str, object]:
        """Return the result of a method of the protocol; raises AssertionError when it fails."""
        message = await asyncio.wait_for(await self._send(method, session, parameters), DEADLINE_SECONDS)
        assert not message.error, (method, message.error)
        return message.result

    async def _send(
        self, method: str, session: str | None, parameters: dict[str, object]
    ) -> "asyncio.Future[_Received]":
        self._sent += 1
        response = self._responses[self._sent] = asyncio.get_running_loop().create_future()
        call = {"id": self._sent, "method": method, "params": parameters}
        session = self._session if session is None else session
        await self._socket.send(msgspec.json.encode(call | ({"sessionId": session} if session else {})).decode())
        return response

    async def _process(self, message: _Received) -> None:
        parameters = message.params
        match message.method:
            case "Target.attachedToTarget":
                session = str(parameters["sessionId"])
                for method, watched in _WATCHED:
                    await self._send(method, session, watched)
                await self._send("Runtime.runIfWaitingForDebugger", session, {})
            case "Network.requestWillBeSent":
                url = _text(parameters, "request", "url")
                if not url.startswith("data:"):  # that content is in the document
                    self.requests.append(url)
                    self.resource_types[url] = str(parameters.get("type"))
            case "Page.javascriptDialogOpening":
                self.dialogs.append(str(parameters["message"]))
                await self._send("Page.handleJavaScriptDialog", message.session_id, {"accept": False})
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.console.append(str(parameters))
            case "Fetch.requestPaused":
                fields = msgspec.convert(parameters["request"], _Request).headers | self.forwarded
                headers = [{"name": name, "value": value} for name, value in fields.items()]
                continued = {"requestId": parameters["requestId"], "headers": headers}
                await self._send("Fetch.continueRequest", message.session_id, continued)
            case "Page.windowOpen":
                self.popups.append(str(parameters["url"]))
            case "Page.frameNavigated":
                self.frames.append(_text(parameters, "frame", "url"))
            case _:
                self._keep_contexts(message)
        async with self._changed:
            self._events.append(message)
            self._changed.notify_all()

    def _keep_contexts(self, message: _Received) -> None:
        match message.method:
            case "Runtime.executionContextCreated":
                context = msgspec.convert(message.params["context"], _Context)
                self._contexts[message.session_id, context.id] = context
            case "Runtime.executionContextDestroyed":
                number = message.params["executionContextId"]
                assert isinstance(number, int)
                self._contexts.pop((message.session_id, number), None)
            case "Runtime.executionContextsCleared":
                self._forget(message.session_id)
            case "Target.detachedFromTarget":
                self._forget(str(message.params["sessionId"]))

    def _forget(self, session: str) -> None:
        for key in [key for key in self._contexts if key[0] == session]:
            del self._contexts[key]

    async def begin(self, page: str | None = None) -> None:
        """Watch this page, or the one that there is."""
        if page is None:
            targets = msgspec.convert((await self.call("Target.getTargets"))["targetInfos"], list[_Target])
            [page] = [target.target_id for target in targets if target.type == "page"]
        attached = await self.call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = str(attached["sessionId"])
        for method, parameters in _WATCHED:
            await self.call(method, None, **parameters)

    async def open(self, url: str) -> None:
        """Return when the web page and all that it embeds are loaded."""
        for record in (self.requests, self.dialogs, self.console, self.popups, self.frames, self._events):
            record.clear()
        self.resource_types.clear()
        loaded = msgspec.convert(await self.call("Page.navigate", url=url), _Loaded)
        assert not loaded.error_text, loaded
        async with asyncio.timeout(DEADLINE_SECONDS), self._changed:
            await self._changed.wait_for(
                lambda: any(message.method == "Page.loadEventFired" for message in self._events)
            )

    async def until(self, last: str, method: str) -> list[dict[str, object]]:
        """Wait for the event `last`, and return the parameters of the events `method`; both are forgotten then."""
        async with asyncio.timeout(DEADLINE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: any(event.method == last for event in self._events))
        found = [event.params for event in self._events if event.method == method]
        self._events[:] = [event for event in self._events if event.method not in (last, method)]
        return found

    async def screenshot(self) -> bytes:
        """Paint the web page and return the image as PNG; painting also triggers pending loads."""
        taken = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(str(taken["data"]))

    async def evaluate(self, script: str) -> list[object]:
        """Return the value of the script in each frame; it runs even where the page's own scripts may not."""
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
                if "not found" in str(ran.error):  # the frame has navigated meanwhile
                    continue
                assert not ran.error, ran
                assert "exceptionDetails" not in ran.result, ran
                result = ran.result["result"]
                assert isinstance(result, dict)
                values.append(result.get("value"))
        return values

    async def wait_for(self, script: str, values: dict[str, int]) -> None:
        """Return when the script has each of these values in this many frames; raises TimeoutError."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while Counter(map(str, await self.evaluate(script))) != values:  # noqa: ASYNC110  # the browser changes it
                await asyncio.sleep(0.02)  # a browser that is asked without a pause does little else


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
    """A running Chromium, the server of the web pages that tests open, and the server of all other hosts."""

    url: str
    pages: WebServer
    others: WebServer

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """Watch the one web page during the block."""
        async with websockets.connect(self.url, max_size=None) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            try:
                await tab.begin()
                yield tab
                await tab.call("Page.navigate", url="about:blank")
            finally:
                listening.cancel()

    @asynccontextmanager
    async def second_tab(self) -> AsyncIterator[Tab]:
        """Open another tab of the same visitor; it is closed at the end of the block."""
        async with websockets.connect(self.url, max_size=None) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            try:
                page = str((await tab.call("Target.createTarget", url="about:blank"))["targetId"])
                await tab.begin(page)
                yield tab
                await tab.call("Target.closeTarget", "", targetId=page)
            finally:
                listening.cancel()


@contextmanager
def running(program: str, directory: Path) -> Iterator[Browser]:
    """Run Chromium with a new profile in this directory during the block."""
    pages, others = WebServer(), WebServer()
    hosts = {"*.page.test": f"127.0.0.1:{pages.port}", "*.test": f"127.0.0.1:{others.port}", "*": "~NOTFOUND"}
    maps = ", ".join(f"MAP {host} {target}" for host, target in hosts.items())
    rules = f"--host-resolver-rules={maps}, EXCLUDE 127.0.0.1"
    (directory / "Default").mkdir(parents=True)
    (directory / "Default" / "Preferences").write_bytes(msgspec.json.encode(_PREFERENCES))
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
        for _ in deadline(2 * DEADLINE_SECONDS):  # the first start on a machine reads all of it from the disk
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

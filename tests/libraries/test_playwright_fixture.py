"""The fixtures of fake-email-client/playwright, from the package, in a real run of Playwright with a browser."""

import base64
import re
import shutil
from pathlib import Path

import httpx
import msgspec
import pytest
from support import browser
from support.harness import Pair, free_port
from support.node_package import CLIENT, MODULES, Node, examples

ADDRESS = re.compile(r"[a-z0-9]+@mx\.test")


class Attachment(msgspec.Struct, frozen=True):
    """One of Playwright itself is a file, and has no body."""

    name: str
    body: str = ""

    @property
    def text(self) -> str:
        return base64.b64decode(self.body).decode()


class Failure(msgspec.Struct, frozen=True):
    message: str


class Result(msgspec.Struct, frozen=True):
    status: str
    attachments: list[Attachment]
    errors: list[Failure]


class Annotation(msgspec.Struct, frozen=True):
    type: str
    description: str = ""


class Run(msgspec.Struct, frozen=True, rename="camel"):
    results: list[Result]
    annotations: list[Annotation]


class Spec(msgspec.Struct, frozen=True):
    title: str
    ok: bool
    tests: list[Run]


class Suite(msgspec.Struct, frozen=True):
    specs: list[Spec]
    suites: list["Suite"] = []

    def all_specs(self) -> list[Spec]:
        return [*self.specs, *(spec for suite in self.suites for spec in suite.all_specs())]


class Report(msgspec.Struct, frozen=True):
    suites: list[Suite]


def test_mailboxes_of_playwright(pair: Pair, node: Node, package: Path, tmp_path: Path) -> None:
    """One run, since each starts Playwright, a browser and the application."""
    chromium = browser.command()
    if not chromium:
        pytest.skip(f"none of {', '.join(browser.NAMES)} is installed")
    node.install(package, tmp_path)
    shutil.copytree(CLIENT / "tests/playwright", tmp_path, dirs_exist_ok=True)
    for name in ("app.ts", "smtp.ts"):
        shutil.copy(CLIENT / "tests" / name, tmp_path)
    [example] = examples("Playwright")
    (tmp_path / "sign-up.spec.ts").write_text(example)
    node.compile(tmp_path)

    place = {"FAKE_EMAIL_URL": pair.http_url, "SMTP_PORT": str(pair.smtp_port), "SHOP_PORT": str(free_port())}
    playwright = MODULES / "@playwright/test/cli.js"
    node.run(playwright, "test", cwd=tmp_path, environ={**place, "CHROMIUM": chromium}, status=1)

    report = msgspec.json.decode((tmp_path / "report.json").read_bytes(), type=Report)
    runs = {spec.title: spec for suite in report.suites for spec in suite.all_specs()}
    assert {title for title, spec in runs.items() if spec.ok} == {
        "a new user types the code of the mail",
        "a failure that is expected",
    }

    def result(title: str) -> Result:
        return runs[title].tests[0].results[0]

    def attached(title: str) -> list[tuple[str, str]]:
        return [(ADDRESS.sub("ADDRESS", each.name), each.text) for each in result(title).attachments if each.body]

    no_mail = dict(attached("no such mail"))
    assert list(no_mail) == ["mailbox ADDRESS", "Welcome", "Welcome.eml"]
    assert no_mail["mailbox ADDRESS"].endswith('Z "Welcome" from ann@example.test')
    assert "Code: 482913\nLink (verify): https://example.test/verify?t=Qm9w\n" in no_mail["Welcome"]
    assert "Content-Type: multipart/mixed" in no_mail["Welcome.eml"]
    assert '"Welcome" from ann@example.test failed subject' in result("no such mail").errors[0].message
    outlasting = [each.message for each in result("a wait that outlasts its test").errors]
    assert "Test timeout of 8000ms exceeded" in outlasting[0]
    assert not [each for each in outlasting if "mailbox_not_found" in each]
    assert "Welcome" in dict(attached("a wait that outlasts its test"))
    two = [name for name, _ in attached("two mailboxes")]
    assert two == ["mailbox ADDRESS", "mailbox ADDRESS", "Welcome", "Welcome.eml"]
    for title in ("a new user types the code of the mail", "a failure that is expected", "no server"):
        assert attached(title) == []
    assert "No mailbox at http://127.0.0.1:1, the address in FAKE_EMAIL_URL or fakeEmailUrl" in (
        result("no server").errors[0].message
    )
    addresses = [
        each.description for spec in runs.values() for each in spec.tests[0].annotations if each.type == "mailbox"
    ]
    assert len(addresses) == 6
    with httpx.Client() as api:
        gone = [api.get(f"{pair.http_url}/api/inbox", params={"address": each}).status_code for each in addresses]
    assert set(gone) == {404}

"""The pytest plugin: mailboxes as fixtures, and what they hold in the report of a failed test."""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Protocol, Unpack

import httpx2
import pytest

from fake_email_client.async_mail import AsyncMail, AsyncMailbox
from fake_email_client.errors import NoMail, Problem, in_lines, refused_in_lines
from fake_email_client.mail import Mail, Mailbox
from fake_email_client.new_mailbox import NewMailbox
from fake_email_client.printable import printable
from fake_email_client.requests import trusts_environment
from fake_email_client.schemas import SummarizedMessage
from fake_email_client.server_command import ServerError, running

_TTL_SECONDS = 3600
_SHOWN_MESSAGES = 20
# A test that failed since the API is away need not wait for its report.
_REPORT_PATIENCE_SECONDS = 1.0
_MISSING = (
    "no fake-email server: set FAKE_EMAIL_URL or --fake-email-url to the URL of its API, or FAKE_EMAIL_COMMAND to the "
    "command that runs one"
)

_server = pytest.StashKey[ExitStack]()
_url = pytest.StashKey[str]()
_mailboxes = pytest.StashKey["Mailboxes"]()


class _Worker(Protocol):
    """A worker of pytest-xdist, as the main process sees it."""

    config: pytest.Config
    workerinput: dict[str, str]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("fake-email").addoption(
        "--fake-email-url", metavar="URL", help="the API of a fake-email server; default: FAKE_EMAIL_URL"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Worker) -> None:
    """Run the command in the main process, once for all workers."""
    try:
        node.workerinput["fake_email_url"] = _find(node.config)
    except ServerError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    if _server in config.stash:
        config.stash[_server].close()


@pytest.fixture(scope="session")
def fake_mail(pytestconfig: pytest.Config) -> Iterator[Mail]:
    """The server: --fake-email-url, else FAKE_EMAIL_URL, else FAKE_EMAIL_COMMAND, which runs for the session."""
    given: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    try:
        url = given.get("fake_email_url") or _find(pytestconfig)
    except ServerError as error:
        pytest.fail(str(error), pytrace=False)
    if not url:
        pytest.skip(_MISSING)
    with _checked(url) as mail:
        yield mail


def _checked(url: str) -> Mail:
    """The server, which is asked once, so that a session without its server does not wait for it in each test."""
    try:
        mail = Mail(url)
        mail.domains()
    except (ValueError, httpx2.HTTPError, Problem) as error:
        why = f"no fake-email server at {url}, which --fake-email-url or FAKE_EMAIL_URL names: {error}"
    else:
        return mail
    pytest.fail(why, pytrace=False)


class Mailboxes:
    """Makes mailboxes for a test, and deletes them when `stack` closes."""

    def __init__(self, mail: Mail, stack: ExitStack) -> None:
        self._mail = mail
        self._stack = stack
        self._made: list[Mailbox] = []

    def __call__(self, **options: Unpack[NewMailbox]) -> Mailbox:
        """A mailbox, which is private unless `options` say otherwise, and is deleted after the test."""
        wanted: NewMailbox = {"private": True, "ttl": _TTL_SECONDS, **options}
        made = self._mail.mailbox(**wanted)
        self._made.append(self._stack.enter_context(made))
        return made

    def sections(self) -> Iterator[tuple[str, str]]:
        """A section of a report for each mailbox, with what it holds."""
        with Mail(self._mail.url, patience=_REPORT_PATIENCE_SECONDS) as mail:
            for each in self._made:
                yield f"mail at {each.address}", _held(mail.open(each.address, each.token))


@pytest.fixture
def mailboxes(fake_mail: Mail, request: pytest.FixtureRequest) -> Iterator[Mailboxes]:
    """A function that makes mailboxes, as `mailboxes(name="ann")`."""
    with ExitStack() as stack:
        made = request.node.stash[_mailboxes] = Mailboxes(fake_mail, stack)
        yield made


@pytest.fixture
def mailbox(mailboxes: Mailboxes) -> Mailbox:
    """A private mailbox."""
    return mailboxes()


@pytest.fixture
def amailbox(mailbox: Mailbox, fake_mail: Mail) -> AsyncMailbox:
    """The mailbox for a test that uses asyncio."""
    # No connection outlives its call, and so none outlives the event loop of the test.
    limits = httpx2.Limits(max_keepalive_connections=0)
    http = httpx2.AsyncClient(limits=limits, trust_env=trusts_environment(fake_mail.url))
    return AsyncMail(fake_mail.url, http=http).open(mailbox.address, mailbox.token)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the mailboxes of a failed test hold, and the near misses of its error."""
    report = yield
    if report.failed and call.when != "teardown":
        if _mailboxes in item.stash:
            report.sections.extend(item.stash[_mailboxes].sections())
        error = _no_mail(call.excinfo.value if call.excinfo else None)
        if error and error.near_misses:
            report.sections.append(("mail that did not match", in_lines(error.near_misses)))
        if error and error.refused:
            report.sections.append(("mail that was not stored", refused_in_lines(error.refused)))
    return report


def _find(config: pytest.Config) -> str:
    """The URL of the server, which is started when there is a command for it; "" without any."""
    if _url not in config.stash:
        stack = config.stash[_server] = ExitStack()
        url: str | None = config.getoption("--fake-email-url") or os.environ.get("FAKE_EMAIL_URL")
        command = os.environ.get("FAKE_EMAIL_COMMAND")
        config.stash[_url] = url or (stack.enter_context(running(command)) if command else "")
    return config.stash[_url]


def _held(box: Mailbox) -> str:
    try:
        messages = box.messages()
    except (httpx2.HTTPError, Problem) as error:
        return f"The mailbox cannot be read: {error}"
    lines = [_line(each) for each in messages[:_SHOWN_MESSAGES]] or ["No mail came."]
    if len(messages) > _SHOWN_MESSAGES:
        lines.append(f"and {len(messages) - _SHOWN_MESSAGES} older messages")
    return "\n".join(lines)


def _line(message: SummarizedMessage) -> str:
    found = [f"{name} {value}" for name, value in (("code", message.code), ("link", message.link)) if value]
    end = f" ({', '.join(found)})" if found else ""
    line = f'- {message.received_at:%H:%M:%S} "{message.subject}" from {message.from_header}{end}'
    return f"{printable(line)}\n  {printable(message.preview)}"


def _no_mail(error: BaseException | None) -> NoMail | None:
    """The error, or the error that it came from, if it is about mail that did not come."""
    while error is not None and not isinstance(error, NoMail):
        error = error.__cause__ or error.__context__
    return error

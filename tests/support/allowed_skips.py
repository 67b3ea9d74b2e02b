"""The tests that may be skipped, and where; any other skipped test fails the run."""

import shutil
from collections.abc import Callable, Generator
from fnmatch import fnmatchcase

import msgspec
import pytest
from support import browser, corpus


class AllowedSkip(msgspec.Struct, frozen=True, kw_only=True):
    """Tests and the reason of their skip, as patterns of fnmatch; allowed only where `is_missing` holds.

    Without `is_missing`, the test itself tried on this machine and says in its reason what failed.
    """

    tests: str
    reason: str
    is_missing: Callable[[], bool] = lambda: True


def _corpus(tests: str) -> AllowedSkip:
    return AllowedSkip(tests=tests, reason=corpus.MISSING, is_missing=lambda: not corpus.FILES)


def _browser(tests: str) -> AllowedSkip:
    return AllowedSkip(tests=tests, reason="none of * is installed", is_missing=lambda: browser.command() is None)


ALLOWED = (
    _corpus("shared/tests/test_parse.py::test_every_message_of_the_corpus_*"),
    _corpus(
        "shared/tests/storage/test_attachments.py::test_attachments_of_real_mail_have_their_size_and_the_octets_that_the_standard_library_decodes"
    ),
    _corpus("tests/end_to_end/test_real_mail.py::*"),
    _browser("tests/end_to_end/test_foreign_pages.py::*"),
    _browser("tests/end_to_end/test_html_attacks.py::*"),
    _browser("tests/end_to_end/test_html_shown.py::*"),
    _browser("tests/libraries/test_playwright_fixture.py::*"),
    _browser("tests/web/*"),
    AllowedSkip(tests="tests/web/*", reason="the page is not built: Node.js*"),
    AllowedSkip(
        tests="tests/deploy/test_units.py::*",
        reason="systemd-analyze is not here",
        is_missing=lambda: not shutil.which("systemd-analyze"),
    ),
    AllowedSkip(
        tests="tests/deploy/test_repository_key.py::*",
        reason="gpg is not here",
        is_missing=lambda: not shutil.which("gpg"),
    ),
    AllowedSkip(
        tests="services/smtp-ingest/tests/test_li*.py::*",
        reason="this host has no IPv4 address but the loopback's",
    ),
    AllowedSkip(tests="tests/faults/test_links.py::*", reason="hosts with a network cannot be had here: *"),
    AllowedSkip(tests="tests/faults/test_postgres_full.py::*", reason="a small file system takes root and mount(8)"),
    AllowedSkip(tests="tests/faults/test_postgres_full.py::*", reason="no small file system can be had here: *"),
    AllowedSkip(tests="tests/faults/test_clock.py::*", reason="libfaketime does not fake the time of a process here"),
    # `make test-senders` and `make test-deploy` fetch what they need, as root, on Debian.
    AllowedSkip(tests="tests/senders/*", reason="* not fetched: *"),
    *(
        AllowedSkip(tests="tests/deploy/on_host/*", reason=reason)
        for reason in (
            "only root can boot a container",
            "root cannot create mount and network namespaces here, *",
            "apt-get, which downloads the container's tools, is missing",
            "* failed: *",
        )
    ),
)


class SkipCheck:
    """A pytest plugin that compares the skipped tests of a run with the list."""

    def __init__(self) -> None:
        self._unexpected: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not _is_allowed(report.nodeid, _reason(report)):
            self._unexpected.append(f"{report.nodeid}: {_reason(report)}")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """A file that skips itself whole is an error: pytest-xdist tells nobody of such a skip."""
        report = yield
        if report.skipped:
            report.outcome = "failed"
            report.longrepr = f"the whole file is skipped: {_reason(report)}"
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._unexpected and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._unexpected:
            terminalreporter.section("skipped, and not in tests/support/allowed_skips.py: the run fails", red=True)
            for each in self._unexpected:
                terminalreporter.write_line(each)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    said = report.longrepr
    return (said[2] if isinstance(said, tuple) else str(said)).removeprefix("Skipped: ")


def _is_allowed(test: str, reason: str) -> bool:
    return any(
        fnmatchcase(test, each.tests) and fnmatchcase(reason, each.reason) and each.is_missing() for each in ALLOWED
    )

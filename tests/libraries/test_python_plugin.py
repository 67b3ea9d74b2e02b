"""The pytest plugin of clients/python, in a run of pytest of its own."""

import errno
import os
import socket
import sys

import pytest
from support.harness import COMMANDS, Pair
from support.waiting import deadline

SENDER = """
import smtplib

def send(address, subject, text="Hello there."):
    content = f"Subject: {{subject}}\\nFrom: Ann <ann@example.test>\\n\\n{{text}}"
    with smtplib.SMTP("127.0.0.1", {port}, local_hostname="client.test") as session:
        session.sendmail("ann@example.test", [address], content)
"""
# The whole test takes minutes: `ALL=1 make test-libraries`.
ALL = bool(os.environ.get("ALL"))
# Without a port for metrics, a second server on this machine would want those of the first.
PRINT_PORTS = 'echo "$HTTP_PORT" "$HTTP_METRICS_PORT" "$SMTP_PORT" "$SMTP_METRICS_PORT"'
WITHOUT_SERVER = ("FAKE_EMAIL_URL", "FAKE_EMAIL_COMMAND")


@pytest.fixture
def site(pytester: pytest.Pytester, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with the plugin, and with a sender of mail, but without a server."""
    for name in WITHOUT_SERVER:
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(sender=SENDER.format(port=pair.smtp_port))
    pytester.makeini("[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function")
    return pytester


def run(site: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugins = ("anyio", "faker", "schemathesis", "hypothesispytest", "timeout")
    return site.runpytest_subprocess("-q", *(f"-pno:{each}" for each in plugins), *arguments, timeout=60)


def test_each_test_has_a_mailbox_of_its_own_which_is_deleted(site: pytest.Pytester, pair: Pair) -> None:
    site.makepyfile(
        """
        import asyncio
        import pytest
        from fake_email_client import Problem
        from sender import send

        seen = []

        def test_one(mailbox, mailboxes):
            send(mailbox.address, "Code", "Your code is 482913.")
            assert mailbox.code() == "482913"
            seen.extend([mailbox, mailboxes(name="bob", authentication=False), mailboxes()])
            assert seen[1].address.startswith("bob")

        def test_they_are_gone(mailbox):
            assert mailbox.address not in {each.address for each in seen}
            for each in seen:
                with pytest.raises(Problem, match="client has been closed|mailbox_not_found"):
                    each.info()

        @pytest.mark.asyncio
        async def test_asyncio(amailbox, mailbox):
            send(amailbox.address, "Code", "Your code is 771204.")
            assert await amailbox.code() == "771204"
            assert mailbox.address == amailbox.address

        def test_a_loop_of_its_own(amailbox):
            assert asyncio.run(amailbox.info()).private
        """
    )

    run(site, f"--fake-email-url={pair.http_url}").assert_outcomes(passed=4)


@pytest.mark.parametrize("wrong", ["localhost:3001", "{}/nowhere"])
def test_a_url_without_a_server_is_told_with_where_it_comes_from(site: pytest.Pytester, pair: Pair, wrong: str) -> None:
    site.makepyfile("def test_one(mailbox): pass\ndef test_two(amailbox): pass")
    url = wrong.format(pair.http_url)

    result = run(site, f"--fake-email-url={url}")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        [f"no fake-email server at {url}, which --fake-email-url or FAKE_EMAIL_URL names: *"] * 2
    )


def test_the_report_of_a_failed_test_has_its_mail_and_the_near_misses(
    site: pytest.Pytester, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_EMAIL_URL", pair.http_url)
    site.makepyfile(
        """
        from sender import send

        def test_it(mailbox, mailboxes):
            send(mailbox.address, "Welcome", "Your code is 482913.")
            mailboxes(name="empty")
            try:
                mailbox.wait(subject="invoice", timeout=1)
            except TimeoutError as error:
                raise RuntimeError("no invoice") from error
        """
    )

    result = run(site, "-n1")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- mail at *@mx.test -*",
            '- ??:??:?? "Welcome" from Ann <ann@example.test> (code 482913)',
            "  Your code is 482913.",
            "*- mail at empty*@mx.test -*",
            "No mail came.",
            "*- mail that did not match -*",
            '- "Welcome" from ann@example.test failed subject',
        ]
    )


def test_the_traceback_of_a_failed_test_has_no_line_of_the_library(
    site: pytest.Pytester, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_EMAIL_URL", pair.http_url)
    site.makepyfile(
        """
        import asyncio

        def test_one(mailbox): mailbox.code(timeout=1)
        def test_two(mailbox): mailbox.read("nothing")
        def test_three(amailbox): asyncio.run(amailbox.link(timeout=1))
        """
    )

    result = run(site)

    result.assert_outcomes(failed=3)
    result.stdout.no_re_match_line(r"\S*fake_email_client/\S*\.py:\d+:")


def test_without_a_server_tests_are_skipped_and_the_reason_says_what_to_set(site: pytest.Pytester) -> None:
    site.makepyfile("def test_it(mailbox): pass")

    result = run(site, "-rs")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*set FAKE_EMAIL_URL or --fake-email-url *, or FAKE_EMAIL_COMMAND to *"])


@pytest.mark.parametrize("workers", ["2", *(["0"] if ALL else [])])
def test_the_command_runs_once_for_all_workers_and_ends_with_the_session(
    site: pytest.Pytester, pair: Pair, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    for name in ("DATABASE_URL", "DOMAIN"):
        monkeypatch.setenv(name, pair.environ[name])
    script = site.makefile(".sh", f"{PRINT_PORTS} >>{site.path}/started; {COMMANDS}/http-api\n")
    monkeypatch.setenv("FAKE_EMAIL_COMMAND", f"sh '{script}'")
    site.makepyfile(
        """
        import pytest
        from sender import send

        @pytest.mark.parametrize("number", range(8))
        def test_it(mailbox, number):
            send(mailbox.address, str(number))
            assert mailbox.wait().subject == str(number)
        """
    )

    run(site, f"-n{workers}").assert_outcomes(passed=8)

    ports = (site.path / "started").read_text().split()
    assert len(set(ports)) == len(ports) == 4
    # The kernel ends a killed process when that gets the processor again.
    assert all(any(is_refused(int(port)) for _ in deadline()) for port in ports[:2])


def is_refused(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_command_that_ends_is_an_error_with_its_output(
    site: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("FAKE_EMAIL_COMMAND", f"{sys.executable} -c 'import sys; sys.exit(\"no database\")'")
    site.makepyfile("def test_it(mailbox): pass")

    result = run(site, f"-n{workers}")

    output = result.stdout.str() + result.stderr.str()
    assert "FAKE_EMAIL_COMMAND ended with status 1:\nno database" in output
    assert result.ret != pytest.ExitCode.OK


def test_a_run_without_mailboxes_starts_no_server(site: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_EMAIL_COMMAND", "false")
    site.makepyfile("def test_it(): pass")

    run(site).assert_outcomes(passed=1)

"""The metrics of smtp-ingest: what each outcome of a message counts, and that no label has what a client sent."""

import re
from collections.abc import Iterator

import pytest
from support.content import message
from support.database import make_mailbox
from support.harness import Pair, running_smtp
from support.metrics import growth, read
from support.smtp_client import SmtpClient

from smtp_ingest.metrics import METRICS


@pytest.fixture(scope="module")
def measured(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, str]]:
    """A daemon, and the address of its metrics."""
    environ = {"SMTP_METRICS_PORT": "0", "SMTP_MAX_RECIPIENTS": "2", "MAX_MESSAGE_OCTETS": "65536"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("measured"), **environ) as (daemon, service):
        shown = service.wait_for_event("metrics_listening")
        yield daemon, f"http://{shown['host']}:{shown['port']}/metrics"


async def test_a_stored_message_counts_its_replies_its_bytes_and_its_commit(measured: tuple[Pair, str]) -> None:
    daemon, url = measured
    before = read(url)
    async with SmtpClient.connect(daemon.smtp_port) as client:
        await client.deliver(message(), make_mailbox(daemon.database_url))

        assert read(url)[("smtp_ingest_sessions",)] >= 1

    grown = growth(before, read(url))
    assert grown.pop(("smtp_ingest_stored_bytes_total",)) > 0
    assert grown == {
        ("smtp_ingest_replies_total", "250 2.1.0", "mail"): 1,
        ("smtp_ingest_replies_total", "250 2.1.5", "rcpt"): 1,
        ("smtp_ingest_replies_total", "250 2.6.0", "commit"): 1,
        ("smtp_ingest_commit_seconds_count",): 1,
        ("smtp_ingest_commit_messages_count",): 1,
        ("smtp_ingest_checks_total", "off"): 1,
    }


async def test_what_is_refused_counts_by_stage_reply_and_reason(measured: tuple[Pair, str]) -> None:
    daemon, url = measured
    addresses = [make_mailbox(daemon.database_url) for _ in range(3)]
    before = read(url)
    async with SmtpClient.connect(daemon.smtp_port) as client:
        await client.converse(("EHLO client.test", 250), ("MAIL FROM:<> SIZE=65537", 552), ("MAIL FROM:<>", 250))
        await client.converse(("RCPT TO:<nobody@mx.test>", 550), ("RCPT TO:<a@elsewhere.test>", 550))
        recipients = [(f"RCPT TO:<{address}>", code) for address, code in zip(addresses, (250, 250, 452), strict=True)]
        await client.converse(*recipients, ("DATA", 354))
        await client.send(message() + b"x" * 70_000 + b"\r\n.\r\n")
        assert (await client.reply()).code == 552

    assert growth(before, read(url)) == {
        ("smtp_ingest_replies_total", "250 2.1.0", "mail"): 1,
        ("smtp_ingest_replies_total", "552 5.3.4", "mail"): 1,
        ("smtp_ingest_replies_total", "250 2.1.5", "rcpt"): 2,
        ("smtp_ingest_replies_total", "550 5.1.1", "rcpt"): 1,
        ("smtp_ingest_replies_total", "550 5.7.1", "rcpt"): 1,
        ("smtp_ingest_replies_total", "452 4.5.3", "rcpt"): 1,
        ("smtp_ingest_replies_total", "552 5.3.4", "data"): 1,
        ("smtp_ingest_limits_reached_total", "smtp_max_recipients"): 1,
        ("smtp_ingest_faults_total", "too_large"): 2,
    }


def test_every_value_of_a_label_is_a_word_or_a_reply_code() -> None:
    values = {value for metric in METRICS for labels in metric.series for value in labels}

    assert {each for each in values if not re.fullmatch(r"\w+|[245]\d\d \d\.\d\.\d", each)} == set()
    assert {"rcpt", "550 5.1.1", "mailbox_quota", "DatabaseAway", "loop_lags", "too_large", "checked"} <= values

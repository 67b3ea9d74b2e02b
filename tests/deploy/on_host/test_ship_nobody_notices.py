"""Twelve deploys in a row lose nothing for senders, for clients that poll, and for clients that follow a stream.

A third of them are of a release without sockets for metrics, which would not start with such a socket.
"""

import asyncio
import sys
from pathlib import Path

import pytest
from altered import altered, change_wheel, replace_in
from load import MESSAGES_PER_SECOND, STREAMS, Seen, load
from shipping import Host

DEPLOYS = 12


def without_metrics(unpacked: Path) -> None:
    """Make the release one of the time before the metrics."""
    for name in ("smtp-ingest", "http-api"):
        (unpacked / f"deploy/systemd/fake-email-{name}-metrics.socket").unlink()
        service = unpacked / f"deploy/systemd/fake-email-{name}.service"
        replace_in(service, f"Wants=fake-email-{name}-metrics.socket ", "Wants=")
    refusal = b"\nif 'metrics' in os.environ.get('LISTEN_FDNAMES', ''):\n    raise SystemExit('an unknown socket')\n"
    change_wheel(unpacked, "fake_email", {"fake_email/systemd.py": lambda source: source + refusal})


@pytest.fixture(scope="module")
def seen(running: Host, release: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The results of the load during the deploys, which alternate between releases."""
    directory = tmp_path_factory.mktemp("next")
    following = altered(release, directory, "next", lambda _: None)
    releases = [following, altered(release, directory, "earlier", without_metrics), release]
    # Here many clients have one address, which would exceed the limits for one client. On a busy machine, the deploys
    # take so long that a mailbox would be full.
    exempt = ("SMTP_EXEMPT_NETWORKS=10.77.0.0/24", "CREATIONS_PER_MINUTE=1000000", "MAILBOX_QUOTA_MESSAGES=1000000")
    for setting in exempt:
        running.root(f"echo {setting} >>/etc/fake-email/env")
    running.root("systemctl restart fake-email-http-api")

    async def deploy() -> Seen:
        async with load(running.authority) as seen:
            for number in range(DEPLOYS):
                done = await asyncio.to_thread(running.deploy, releases[number % 3])
                assert done.returncode == 0
        return seen

    with running.container.network():
        seen = asyncio.run(deploy())
    sys.stdout.write(f"{seen}\n")  # shown with a test that fails
    return seen


def test_no_connection_for_mail_is_refused(seen: Seen) -> None:
    assert seen.refused == 0


def test_every_call_succeeds(seen: Seen) -> None:
    assert list(seen.statuses) == [200]


def test_no_message_is_rejected(seen: Seen) -> None:
    assert [reply for reply in seen.replies if reply.startswith("5")] == []


def test_mail_arrived_throughout_the_deploys(seen: Seen) -> None:
    assert sum(map(len, seen.accepted.values())) > DEPLOYS * MESSAGES_PER_SECOND


def test_a_client_that_polls_sees_each_message_once(seen: Seen) -> None:
    for address, subjects in seen.polled.items():
        assert sorted(subjects) == sorted(seen.accepted[address])


def test_each_stream_shows_each_message_once(seen: Seen) -> None:
    assert len(seen.streamed) == STREAMS
    for address, subjects in seen.streamed:
        assert sorted(subjects) == sorted(seen.accepted[address])


def test_every_stream_reconnected_after_each_deploy(seen: Seen) -> None:
    assert seen.reconnected >= DEPLOYS * STREAMS

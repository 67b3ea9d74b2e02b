"""Ten deploys in a row lose nothing for senders, for clients that poll, and for clients that follow a stream."""

import asyncio
import sys
from pathlib import Path

import pytest
from altered import altered
from load import MESSAGES_PER_SECOND, STREAMS, Seen, load
from shipping import Host

DEPLOYS = 10


@pytest.fixture(scope="module")
def seen(running: Host, release: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The results of the load during the deploys, which alternate between two releases."""
    directory = tmp_path_factory.mktemp("next")
    releases = [altered(release, directory, "next", lambda _: None), release]
    # Here many clients have one address, which would exceed the limits for one client.
    for setting in ("SMTP_EXEMPT_NETWORKS=10.77.0.0/24", "CREATIONS_PER_MINUTE=1000000"):
        running.root(f"echo {setting} >>/etc/fake-email/env")
    running.root("systemctl restart fake-email-http-api")

    async def deploy() -> Seen:
        async with load(running.authority) as seen:
            for number in range(DEPLOYS):
                done = await asyncio.to_thread(running.deploy, releases[number % 2])
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

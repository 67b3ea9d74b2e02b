"""Ten deploys in a row, and nobody notices: not who sends, not who polls, not who follows a stream."""

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
    """What was seen during the deploys, of two releases by turns."""
    place = tmp_path_factory.mktemp("next")
    releases = [altered(release, place, "next", lambda _: None), release]
    # Many clients come from one address here, more than one client may be.
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


def test_no_call_is_answered_with_5xx(seen: Seen) -> None:
    assert list(seen.statuses) == [200]


def test_no_message_is_refused_for_good(seen: Seen) -> None:
    assert [reply for reply in seen.replies if reply.startswith("5")] == []


def test_mail_came_all_the_while(seen: Seen) -> None:
    assert sum(map(len, seen.accepted.values())) > DEPLOYS * MESSAGES_PER_SECOND


def test_who_polls_sees_each_message_once(seen: Seen) -> None:
    for address, subjects in seen.polled.items():
        assert sorted(subjects) == sorted(seen.accepted[address])


def test_each_stream_shows_each_message_once(seen: Seen) -> None:
    assert len(seen.streamed) == STREAMS
    for address, subjects in seen.streamed:
        assert sorted(subjects) == sorted(seen.accepted[address])


def test_the_streams_were_cut_and_came_back(seen: Seen) -> None:
    assert seen.reconnected >= DEPLOYS * STREAMS

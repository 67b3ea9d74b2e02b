"""What is over leaves nothing behind."""

from collections.abc import Iterator

import pytest

from faults import kills
from faults.memory import Growth, tried
from faults.stage import Stage
from faults.trial import SHORT


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with kills.stage(tmp_path_factory.mktemp("stage"), SHORT) as stage:
        yield stage


def test_messages_sessions_and_streams_that_are_over_take_no_memory(stage: Stage) -> None:
    # It is 0.4 MB; 1.4 KB kept of each message, or 3 KB of each session, would be found.
    growth = Growth(rounds=4, mailboxes=75, messages_each=10, most_octets=3_000_000)

    verdict = tried(stage, growth)

    assert verdict.is_clean, verdict

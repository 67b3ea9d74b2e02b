"""Memory that grows with each message, session or stream."""

from collections.abc import Iterator

import pytest

from faults import kills
from faults.memory import Growth, measure
from faults.stage import Stage
from faults.trial import SHORT


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with kills.stage(tmp_path_factory.mktemp("stage"), SHORT) as stage:
        yield stage


@pytest.mark.timeout(240)  # 15 s of CPU time, on a machine that may have other work
def test_memory_does_not_grow_with_messages_sessions_and_streams(stage: Stage) -> None:
    # The growth is 0.4 MB; a leak of 1.4 KB a message, or 3 KB a session, would be found.
    growth = Growth(rounds=4, mailboxes=75, messages_each=10, most_octets=3_000_000)

    verdict = measure(stage, growth)

    assert verdict.is_clean, verdict

"""Events that wait for a slow reader: which of them it gets, and how many it may be behind."""

import uuid

import pytest

from fake_email.postgres.notifications import Deleted
from http_api.live.pending_events import PendingEvents


def deleted(seq: int) -> Deleted:
    return Deleted(mailbox_id=1, seq=seq, message_id=uuid.UUID(int=seq))


def test_deletions_of_messages_that_the_reader_got_are_reported_in_order() -> None:
    pending = PendingEvents()

    pending.add(deleted(2), is_sent=True)
    pending.add(deleted(1), is_sent=True)

    assert [pending.take(), pending.take()] == [
        b'event: deleted\ndata: {"id":"00000000-0000-0000-0000-000000000002","seq":2}\n\n',
        b'event: deleted\ndata: {"id":"00000000-0000-0000-0000-000000000001","seq":1}\n\n',
    ]
    assert pending.changes == []


def test_a_message_that_is_deleted_before_the_reader_got_it_is_hidden_and_not_reported() -> None:
    pending = PendingEvents()

    pending.add(deleted(7), is_sent=False)

    assert (pending.changes, pending.hidden) == ([], {7})


@pytest.mark.parametrize("is_sent", [True, False])
def test_however_many_deletions_come_little_more_than_a_thousand_are_kept(is_sent: bool) -> None:
    pending = PendingEvents()

    for seq in range(5_000):
        pending.add(deleted(seq), is_sent=is_sent)

    assert pending.are_too_many
    assert len(pending.changes) + len(pending.hidden) == 1_001


def test_two_streams_share_nothing_that_is_pending() -> None:
    one, other = PendingEvents(), PendingEvents()

    one.add(deleted(1), is_sent=True)
    one.add(deleted(2), is_sent=False)

    assert (other.changes, other.hidden) == ([], set())

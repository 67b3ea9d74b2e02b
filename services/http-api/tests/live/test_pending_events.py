"""Events that wait for a slow reader: which of them it gets, and how many it may be behind."""

import uuid
from collections.abc import Callable

import pytest

from fake_email.postgres.notifications import Checked, Deleted, Marked, MessageChange
from http_api.live.pending_events import PendingEvents


def deleted(seq: int) -> Deleted:
    return Deleted(mailbox_id=1, seq=seq, message_id=uuid.UUID(int=seq))


def marked(seq: int, *, seen: bool = True) -> Marked:
    return Marked(mailbox_id=1, seq=seq, message_id=uuid.UUID(int=seq), seen=seen)


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


def test_a_mark_is_reported_once_the_reader_has_its_message() -> None:
    pending = PendingEvents()

    pending.add(marked(7), is_sent=False)
    pending.add(marked(7, seen=False), is_sent=False)
    pending.sent(6)
    assert pending.changes == []

    pending.sent(7)
    assert (
        pending.take() == b'event: seen\ndata: {"id":"00000000-0000-0000-0000-000000000007","seq":7,"seen":false}\n\n'
    )
    assert (pending.changes, pending.later) == ([], {})


def test_a_check_that_ends_before_the_reader_got_the_message_is_reported_after_it_beside_a_mark() -> None:
    pending = PendingEvents()
    message_id = uuid.UUID(int=7)

    pending.add(Checked(mailbox_id=1, seq=7, message_id=message_id, is_checked=True), is_sent=False)
    pending.add(marked(7), is_sent=False)
    pending.sent(7)

    assert [pending.take(), pending.take()] == [
        f'event: checked\ndata: {{"id":"{message_id}","seq":7,"status":"checked"}}\n\n'.encode(),
        f'event: seen\ndata: {{"id":"{message_id}","seq":7,"seen":true}}\n\n'.encode(),
    ]


@pytest.mark.parametrize("is_sent", [True, False])
@pytest.mark.parametrize("change", [deleted, marked])
def test_however_many_changes_come_little_more_than_a_thousand_are_kept(
    is_sent: bool, change: Callable[[int], MessageChange]
) -> None:
    pending = PendingEvents()

    for seq in range(5_000):
        pending.add(change(seq), is_sent=is_sent)

    assert pending.are_too_many
    assert len(pending.changes) + len(pending.hidden) + len(pending.later) == 1_001


def test_two_streams_share_nothing_that_is_pending() -> None:
    one, other = PendingEvents(), PendingEvents()

    one.add(deleted(1), is_sent=True)
    one.add(deleted(2), is_sent=False)

    assert (other.changes, other.hidden) == ([], set())

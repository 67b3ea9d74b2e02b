"""The recipients that RCPT remembers for a moment."""

from fake_email.storage.recipients import Recipient
from smtp_ingest.recent_recipients import RecentRecipients


def recipient(address: str, mailbox_id: int = 1) -> Recipient:
    return Recipient(address=address, mailbox_id=mailbox_id, message_count=0, stored_octets=0)


def test_a_recipient_is_remembered_for_two_seconds() -> None:
    recent = RecentRecipients()
    recent.add([recipient("a")], 10.0)

    assert [recent.get("a", now) for now in (10.0, 11.9, 12.0)] == [recipient("a"), recipient("a"), None]


def test_using_a_recipient_does_not_prolong_its_time() -> None:
    recent = RecentRecipients()
    recent.add([recipient("a")], 10.0)
    recent.get("a", 11.9)

    assert recent.get("a", 12.5) is None


def test_a_recipient_that_is_found_again_has_its_newest_state() -> None:
    recent = RecentRecipients()
    recent.add([recipient("a", 1)], 10.0)
    recent.add([recipient("a", 2)], 11.0)

    assert recent.get("a", 12.5) == recipient("a", 2)


def test_an_unknown_address_is_not_found() -> None:
    assert RecentRecipients().get("a", 0.0) is None


def test_past_4096_recipients_the_one_found_first_is_dropped() -> None:
    recent = RecentRecipients()
    recent.add([recipient("0"), recipient("1")], 10.0)
    recent.add([recipient("0")], 10.0)
    recent.add((recipient(str(number)) for number in range(2, 4_097)), 10.0)

    assert [recent.get(address, 10.0) is None for address in ("0", "1", "2", "4096")] == [False, True, False, False]


def test_a_message_that_was_stored_counts_towards_the_quota_of_a_remembered_recipient() -> None:
    recent = RecentRecipients()
    recent.add([recipient("a@mx.test")], now=1.0)

    recent.count("a@mx.test", 100)
    recent.count("b@mx.test", 100)

    found = recent.get("a@mx.test", now=2.0)
    assert found is not None
    assert (found.message_count, found.stored_octets) == (1, 100)
    assert recent.get("b@mx.test", now=2.0) is None

"""An event that happens often is due once a minute."""

from fake_email.once_a_minute import OnceAMinute


def test_an_event_is_due_at_first_and_a_minute_after_it_was_due() -> None:
    event = OnceAMinute()

    assert [event.is_due(now) for now in (0, 1, 59.9, 60, 119.9, 500)] == [True, False, False, True, False, True]

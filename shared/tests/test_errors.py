"""The text of an error."""

from fake_email.errors import MessageNotFound, SettingsError


def test_an_error_raised_without_a_text_has_the_docstring_of_its_class() -> None:
    assert str(MessageNotFound()) == MessageNotFound.__doc__


def test_an_error_raised_with_a_text_keeps_it() -> None:
    assert str(SettingsError("SMTP_PORT: not a number")) == "SMTP_PORT: not a number"

"""The facts a caller decides upon; each edge has one table from these to its replies."""


class ServiceError(Exception):
    """Something the caller must decide upon; without a text of its own, an error says what its class is for."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.__doc__)


class SettingsError(ServiceError):
    """A variable of the environment is missing, mistyped or out of range; the text names it."""


class MigrationError(ServiceError):
    """The schema cannot be brought up to date; the text says why and what to do."""


class DatabaseAway(ServiceError):
    """The database did not answer in time, or not at all."""


class DatabaseFull(ServiceError):
    """The database has no room to keep more."""


class MailboxNotFound(ServiceError):
    """No live mailbox has this address, or it is private and the token is not its own."""


class MessageNotFound(ServiceError):
    """No message of a live mailbox has this id, or the mailbox is private and the token is not its own."""


class AttachmentNotFound(ServiceError):
    """The message has no attachment of this number."""


class NoHtml(ServiceError):
    """The message has no HTML."""


class AddressTaken(ServiceError):
    """This address was given out before."""


class OperatorsMailbox(ServiceError):
    """This mailbox is the operator's, which every domain has."""

"""The errors that a caller acts on; each service has one table from these errors to its responses or replies."""


class ServiceError(Exception):
    """The root of our errors; an error without a text of its own has the docstring of its class."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.__doc__)


class SettingsError(ServiceError):
    """An environment variable is missing, mistyped or out of range; the text names the variable."""


class MigrationError(ServiceError):
    """The schema cannot be brought up to date; the text gives the reason and what to do."""


class NewerSchema(MigrationError):
    """The database has migrations that these files do not have; a release after this one applied them."""


class DatabaseAway(ServiceError):
    """The database did not answer in time."""


class DatabaseFull(ServiceError):
    """The database has no disk space left."""


class MailboxNotFound(ServiceError):
    """No live mailbox has this address, or the mailbox is private and the token is not its token."""


class MessageNotFound(ServiceError):
    """No message of a live mailbox has this id, or the mailbox is private and the token is not its token."""


class AttachmentNotFound(ServiceError):
    """The message has no attachment of this number."""


class NoHtml(ServiceError):
    """The message has no HTML part."""


class AddressTaken(ServiceError):
    """The address has a mailbox, or had one in the last 90 days."""


class OperatorsMailbox(ServiceError):
    """The mailbox belongs to the operator: postmaster or abuse, which every domain has."""

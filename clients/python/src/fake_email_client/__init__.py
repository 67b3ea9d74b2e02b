"""A client of fake-email: temporary mailboxes for tests."""

from fake_email_client.async_mail import AsyncMail, AsyncMailbox
from fake_email_client.attempts import DeliveryAttempt, RefusedAttempt, Timeline
from fake_email_client.clauses import Clauses, Has, LinkKind
from fake_email_client.errors import NoMail, Problem, Unexpected
from fake_email_client.mail import Mail, Mailbox
from fake_email_client.schemas import (
    Attachment,
    Code,
    DomainList,
    Link,
    ListedMessage,
    MailboxInfo,
    Message,
    NearMiss,
    SummarizedMessage,
)

__all__ = [
    "AsyncMail",
    "AsyncMailbox",
    "Attachment",
    "Clauses",
    "Code",
    "DeliveryAttempt",
    "DomainList",
    "Has",
    "Link",
    "LinkKind",
    "ListedMessage",
    "Mail",
    "Mailbox",
    "MailboxInfo",
    "Message",
    "NearMiss",
    "NoMail",
    "Problem",
    "RefusedAttempt",
    "SummarizedMessage",
    "Timeline",
    "Unexpected",
]

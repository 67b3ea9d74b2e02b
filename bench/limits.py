"""The settings of the services that are measured: one mailbox, or one session, takes the mail of many."""

LIMITS = {
    "MAILBOX_QUOTA_MESSAGES": "1000000000",
    "MAILBOX_QUOTA_OCTETS": "1000000000000",
    "SMTP_MAX_MESSAGES": "1000000000",
    "SMTP_MAX_COMMANDS_WITHOUT_MESSAGE": "1000000000",
}

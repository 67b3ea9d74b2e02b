-- A ticket reads several mailboxes from a URL, so that no mailbox's token is ever in one.

CREATE TABLE ticket (
    ticket_sha256 bytea CONSTRAINT ticket_pkey PRIMARY KEY,
    mailbox_ids bigint[] NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX ticket_expires_at_idx ON ticket (expires_at);

COMMENT ON COLUMN ticket.mailbox_ids IS 'a mailbox that was deleted may still be here; its id is never given out again';

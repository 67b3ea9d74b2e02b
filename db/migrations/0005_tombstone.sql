-- What has expired is found and deleted, and its address goes to nobody else: a hash of it outlives the mailbox.

CREATE TABLE tombstone (
    address_sha256 bytea CONSTRAINT tombstone_pkey PRIMARY KEY,
    ended_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX tombstone_ended_at_idx ON tombstone (ended_at);

-- Storing waits while this is made: half a second for a million mailboxes.
CREATE INDEX mailbox_expires_at_idx ON mailbox (expires_at);

COMMENT ON TABLE tombstone IS 'addresses that were given out and whose mailbox is deleted';
COMMENT ON COLUMN tombstone.ended_at IS 'when the mailbox was deleted, which is never before it ended';

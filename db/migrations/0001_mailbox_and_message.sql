-- Mail needs a place to be kept: a mailbox counts its messages in one row, whose lock orders everything in it.

CREATE TABLE mailbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT mailbox_pkey PRIMARY KEY,
    address text NOT NULL
        CONSTRAINT mailbox_address_key UNIQUE
        CONSTRAINT mailbox_address_lower_case CHECK (address = lower(address)),
    token_sha256 bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    last_seq bigint NOT NULL DEFAULT 0,
    last_received_at timestamptz NOT NULL DEFAULT '-infinity',
    message_count bigint NOT NULL DEFAULT 0,
    stored_octets bigint NOT NULL DEFAULT 0
);

COMMENT ON COLUMN mailbox.token_sha256 IS 'null: open to whoever knows the address';

CREATE TABLE message (
    id uuid CONSTRAINT message_pkey PRIMARY KEY,
    mailbox_id bigint NOT NULL CONSTRAINT message_mailbox_id_fkey REFERENCES mailbox ON DELETE CASCADE,
    seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    reverse_path text NOT NULL,
    recipient text NOT NULL,
    from_header text NOT NULL,
    from_address text NOT NULL,
    subject text NOT NULL,
    date_header timestamptz,
    text text NOT NULL,
    html text,
    attachments jsonb NOT NULL,
    content bytea NOT NULL,
    content_sha256 bytea NOT NULL,
    CONSTRAINT message_mailbox_id_seq_key UNIQUE (mailbox_id, seq),
    CONSTRAINT message_mailbox_id_content_sha256_key UNIQUE (mailbox_id, content_sha256)
);

-- Mail is mostly base64, which pglz does not make smaller; uncompressed, a slice is read without the rest.
ALTER TABLE message ALTER COLUMN content SET STORAGE EXTERNAL;

COMMENT ON COLUMN message.recipient IS 'the argument of RCPT, as given';
COMMENT ON COLUMN message.text IS 'what a reader sees: the text part, else the HTML rendered as text';
COMMENT ON COLUMN message.content IS 'the exact octets received';

-- Why mail did not arrive: each attempt to deliver that was not stored, and how long the stages of each one took.

ALTER TABLE message ADD COLUMN transfer jsonb;

COMMENT ON COLUMN message.transfer IS 'the declared size and the seconds of each stage; null: stored by a release before';

CREATE TABLE attempt (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT attempt_pkey PRIMARY KEY,
    mailbox_id bigint NOT NULL CONSTRAINT attempt_mailbox_id_fkey REFERENCES mailbox ON DELETE CASCADE,
    attempted_at timestamptz NOT NULL,
    stage text NOT NULL,
    reply text,
    message_id uuid,
    sender_domain text NOT NULL,
    client_address text NOT NULL,
    host_name text NOT NULL,
    tls text NOT NULL,
    octets bigint NOT NULL,
    transfer jsonb
);

CREATE INDEX attempt_mailbox_id_id_idx ON attempt (mailbox_id, id);

COMMENT ON COLUMN attempt.stage IS 'rcpt, data or commit: where the attempt ended';
COMMENT ON COLUMN attempt.reply IS 'the reply as given; null: the client left before one';
COMMENT ON COLUMN attempt.message_id IS 'of a message that was stored, and that a reader has deleted since';

CREATE TABLE attempt_count (
    mailbox_id bigint NOT NULL CONSTRAINT attempt_count_mailbox_id_fkey REFERENCES mailbox ON DELETE CASCADE,
    reply text NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT attempt_count_pkey PRIMARY KEY (mailbox_id, reply)
);

COMMENT ON TABLE attempt_count IS 'the attempts of a mailbox past those that have a row of their own';

CREATE TABLE early_attempt (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT early_attempt_pkey PRIMARY KEY,
    address_hmac bytea NOT NULL,
    attempted_at timestamptz NOT NULL,
    reply text NOT NULL
);

CREATE INDEX early_attempt_address_hmac_idx ON early_attempt (address_hmac);
CREATE INDEX early_attempt_attempted_at_idx ON early_attempt (attempted_at);

COMMENT ON TABLE early_attempt IS 'attempts for names that nobody had asked for yet; whoever asks for one within a day sees them';

CREATE TABLE secret (
    name text CONSTRAINT secret_pkey PRIMARY KEY,
    value bytea NOT NULL
);

-- Two UUIDs of version 4 have 244 random bits.
INSERT INTO secret (name, value)
VALUES ('early_attempt', sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

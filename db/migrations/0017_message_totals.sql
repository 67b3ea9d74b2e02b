-- Anybody may check that no message is lost: those ever stored are there, or expired, were deleted or were dropped.

-- A mailbox counts its own, in the statements that store and delete, also in those of the release before: last_seq was
-- stored, message_count was not removed by a reader or for a newer message.
ALTER TABLE mailbox ADD COLUMN dropped bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN mailbox.dropped IS 'how many messages were deleted to make space for newer ones, not by a reader';

CREATE TABLE past_message_count (
    only_row boolean NOT NULL DEFAULT true
        CONSTRAINT past_message_count_pkey PRIMARY KEY
        CONSTRAINT past_message_count_only_row CHECK (only_row),
    counted_since timestamptz NOT NULL DEFAULT now(),
    expired bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    dropped bigint NOT NULL DEFAULT 0
);

COMMENT ON TABLE past_message_count IS 'the messages that mailboxes had which were deleted since';

INSERT INTO past_message_count DEFAULT VALUES;

-- A trigger, so that the purge of the release before adds up too. It runs once for each batch of the purge.
CREATE FUNCTION count_past_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE past_message_count
    SET expired = past_message_count.expired + gone.expired,
        deleted = past_message_count.deleted + gone.deleted,
        dropped = past_message_count.dropped + gone.dropped
    FROM (
        SELECT coalesce(sum(message_count), 0) AS expired,
            coalesce(sum(last_seq - message_count - dropped), 0) AS deleted,
            coalesce(sum(dropped), 0) AS dropped
        FROM gone_mailbox
    ) AS gone
    WHERE gone.expired + gone.deleted + gone.dropped > 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER mailbox_past_message_count
AFTER DELETE ON mailbox
REFERENCING OLD TABLE AS gone_mailbox
FOR EACH STATEMENT EXECUTE FUNCTION count_past_messages();

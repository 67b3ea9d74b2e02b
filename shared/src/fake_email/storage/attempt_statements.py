"""The statements that write attempts, at most MAX_ATTEMPTS of a mailbox, and keep those of deleted messages."""

MAX_ATTEMPTS = 200
# The reply that smtp-ingest gives to a message that is committed.
COMMITTED = "250 2.6.0 Message stored"

# The CTEs that give each row of `ended` a row in the timeline of its mailbox, or count it past the bound.
_BOUNDED = f"""numbered AS (
        SELECT ended.*,
            (SELECT count(*) FROM attempt WHERE attempt.mailbox_id = ended.mailbox_id)
                + row_number() OVER (PARTITION BY ended.mailbox_id ORDER BY ended.ordinal) AS number
        FROM ended
    ), kept AS (
        INSERT INTO attempt (
            mailbox_id, attempted_at, stage, reply, message_id, is_duplicate, sender_domain, client_address, host_name,
            tls, octets, transfer
        )
        SELECT mailbox_id, attempted_at, stage, reply, message_id, is_duplicate, sender_domain, client_address,
            host_name, tls, octets, transfer
        FROM numbered
        WHERE number <= {MAX_ATTEMPTS}
        ORDER BY ordinal
        RETURNING id, mailbox_id
    ), kept_counts AS (
        INSERT INTO attempt_count (mailbox_id, reply, number)
        SELECT mailbox_id, coalesce(reply, ''), count(*)
        FROM numbered
        WHERE number > {MAX_ATTEMPTS}
        GROUP BY 1, 2
        ORDER BY 1, 2
        ON CONFLICT ON CONSTRAINT attempt_count_pkey DO UPDATE SET number = attempt_count.number + excluded.number
    )"""  # noqa: S608  # put together from texts of this file

# The lock on the mailbox's key keeps the purge from deleting it until the rows are there; storing goes on beside it.
# With the hash of a content, an attempt is written only if the mailbox has a message with that content which another
# transaction stored: then it was a duplicate of that message.
STORE = f"""
    WITH given AS (
        SELECT *
        FROM unnest(
            %(addresses)s::text[], %(hmacs)s::bytea[], %(ages)s::double precision[], %(stages)s::text[],
            %(replies)s::text[], %(sender_domains)s::text[], %(client_addresses)s::text[], %(host_names)s::text[],
            %(tls)s::text[], %(octets)s::bigint[], %(transfers)s::jsonb[], %(content_sha256s)s::bytea[],
            %(own_ids)s::text[]
        ) WITH ORDINALITY AS given (
            address, address_hmac, age, stage, reply, sender_domain, client_address, host_name, tls, octets, transfer,
            content_sha256, own_ids, ordinal
        )
    ), live AS (
        SELECT id, address
        FROM mailbox
        WHERE address = ANY(%(addresses)s) AND expires_at > now()
        ORDER BY id
        FOR KEY SHARE
    ), ended AS (
        SELECT live.id AS mailbox_id, now() - make_interval(secs => age) AS attempted_at, original.id AS message_id,
            original.id IS NOT NULL AS is_duplicate, given.*
        FROM given
        JOIN live USING (address)
        LEFT JOIN message AS original
            ON original.mailbox_id = live.id AND original.content_sha256 = given.content_sha256
        WHERE given.content_sha256 IS NULL OR original.id <> ALL (own_ids::uuid[])
    ), {_BOUNDED}, early AS (
        INSERT INTO early_attempt (address_hmac, attempted_at, reply)
        SELECT address_hmac, now() - make_interval(secs => age), reply
        FROM given
        WHERE address_hmac IS NOT NULL AND reply IS NOT NULL
            AND NOT EXISTS (SELECT FROM mailbox WHERE mailbox.address = given.address)
    )
    SELECT pg_notify(%(channel)s, mailbox_id || ':' || id)
    FROM kept
"""  # noqa: S608  # put together from texts of this file

# For a statement that deletes messages with OF_DELETED in the RETURNING of its CTE `deleted`: their attempts stay.
KEEP_ATTEMPTS = f"""ended AS (
        SELECT mailbox_id, received_at AS attempted_at, 'commit' AS stage, '{COMMITTED}' AS reply, id AS message_id,
            false AS is_duplicate, regexp_replace(reverse_path, '^.*@', '') AS sender_domain, client_address, host_name,
            tls, octets, transfer, seq AS ordinal
        FROM deleted
    ), {_BOUNDED}"""  # noqa: S608  # put together from texts of this file
OF_DELETED = """message.id, message.mailbox_id, message.seq, octet_length(message.content) AS octets,
            message.received_at, message.reverse_path, message.client_address, message.host_name, message.tls,
            message.transfer"""

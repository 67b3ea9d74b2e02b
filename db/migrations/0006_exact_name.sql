-- A name that somebody chose is never given to anybody else, so its hash outlives the tombstone.

CREATE TABLE exact_name (
    address_sha256 bytea CONSTRAINT exact_name_pkey PRIMARY KEY
);

COMMENT ON TABLE exact_name IS 'addresses that were given out with an exact name; no row is ever deleted';

-- Only a private mailbox can have an exact name. Which of these have one is not known, so all of them count.
INSERT INTO exact_name (address_sha256)
SELECT sha256(convert_to(address, 'UTF8'))
FROM mailbox
WHERE token_sha256 IS NOT NULL;

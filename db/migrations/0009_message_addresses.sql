-- The addresses of a message as lists, so that nobody else has to parse the fields.

ALTER TABLE message
    ADD COLUMN from_addresses jsonb,
    ADD COLUMN to_addresses jsonb,
    ADD COLUMN cc_addresses jsonb,
    ADD COLUMN reply_to_addresses jsonb;

COMMENT ON COLUMN message.from_addresses IS 'a list of objects with name and address; null: stored by a release before';

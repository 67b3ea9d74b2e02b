-- A message that a mailbox has already is stored once, and the timeline tells each further attempt to deliver it.

ALTER TABLE attempt ADD COLUMN is_duplicate boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN attempt.message_id IS 'of a message that a reader has deleted since, or that a duplicate found there';

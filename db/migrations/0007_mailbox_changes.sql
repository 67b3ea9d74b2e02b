-- A client that was away learns from this number whether messages were deleted or marked meanwhile.

ALTER TABLE mailbox ADD COLUMN changes bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN mailbox.changes IS 'how many times a message was deleted by a reader or marked as seen or unseen';

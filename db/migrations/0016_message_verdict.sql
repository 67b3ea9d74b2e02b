-- A message is checked after its commit: what its sender's domains, its signatures and its header section say of it.

ALTER TABLE message ADD COLUMN check_skipped text;
ALTER TABLE message ADD COLUMN verdict jsonb;

COMMENT ON COLUMN message.check_skipped IS 'why no check follows the commit, which knows it; null: a check follows';
COMMENT ON COLUMN message.verdict IS 'the result of the check; null: it has not ended, or never will';

ALTER TABLE mailbox ADD COLUMN authentication boolean NOT NULL DEFAULT true;

COMMENT ON COLUMN mailbox.authentication IS 'false: who made the mailbox does not want its messages checked';

-- A client that opens a stream with a ticket hears which of its mailboxes are gone; their rows are gone then, too.

ALTER TABLE ticket ADD COLUMN addresses text[];

COMMENT ON COLUMN ticket.addresses IS 'of the mailboxes, in the order of mailbox_ids; null: made by a release before';

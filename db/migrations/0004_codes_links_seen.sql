-- What a message is mostly opened for, found once when it arrives; and whether somebody saw it.

ALTER TABLE message
    ADD COLUMN codes jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN links jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN seen boolean NOT NULL DEFAULT false;

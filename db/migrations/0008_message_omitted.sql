-- The lists of a message are bounded in bytes, so that one mail cannot make every answer large; what is left out is counted.

ALTER TABLE message
    ADD COLUMN attachments_omitted integer NOT NULL DEFAULT 0,
    ADD COLUMN links_omitted integer NOT NULL DEFAULT 0;

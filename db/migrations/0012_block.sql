-- An operator refuses the mail of a domain or of a network, until the operator takes the block back.

CREATE TABLE block (
    sender text CONSTRAINT block_pkey PRIMARY KEY,
    reply text NOT NULL,
    blocked_by text NOT NULL,
    blocked_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN block.sender IS 'a domain in lower case and as A-labels, which stands for its subdomains too, or a network';
COMMENT ON COLUMN block.reply IS 'the text of the reply, without its codes';

-- A large message in a statement's parameters holds up whoever sends the statement; it comes ahead, in pieces, by COPY.

CREATE UNLOGGED TABLE staged_content (
    id uuid CONSTRAINT staged_content_pkey PRIMARY KEY,
    staged_at timestamptz NOT NULL DEFAULT now(),
    content bytea NOT NULL
);

ALTER TABLE staged_content ALTER COLUMN content SET STORAGE EXTERNAL;

COMMENT ON TABLE staged_content IS 'nothing here is acknowledged: what a crash leaves empty is sent again';

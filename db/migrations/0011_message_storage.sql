-- Text is compressed in a third of the time, and mail of a few KB stays in its row, without a second table.

-- Two rows of this size fill a page. With 8160 a row would stay whole up to a page, but leave half of many pages empty.
ALTER TABLE message SET (toast_tuple_target = 4080);

-- Not every build of Postgres has lz4. The column content stays uncompressed: the source and attachments are read in
-- slices, and to read a slice of a compressed value, Postgres decompresses all that is before it.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
        ALTER TABLE message ALTER COLUMN text SET COMPRESSION lz4, ALTER COLUMN html SET COMPRESSION lz4;
    END IF;
END
$$;

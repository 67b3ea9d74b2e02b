-- Who handed a message over, and how, belongs in front of its source: RFC 5321 §4.4, Received.

ALTER TABLE message
    ADD COLUMN client_address text NOT NULL DEFAULT '',
    ADD COLUMN host_name text NOT NULL DEFAULT '',
    ADD COLUMN protocol text NOT NULL DEFAULT '',
    ADD COLUMN tls text NOT NULL DEFAULT '';

COMMENT ON COLUMN message.host_name IS 'what the client called itself in EHLO or HELO; nobody looked it up';
COMMENT ON COLUMN message.protocol IS 'as in RFC 3848 and RFC 6531: SMTP, ESMTP, ESMTPS, UTF8SMTP, UTF8SMTPS; empty: not known';
COMMENT ON COLUMN message.tls IS 'version and cipher; empty: plain text';

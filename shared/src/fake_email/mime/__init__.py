"""Message content (RFC 5322, MIME) read in time linear in its size. Pure."""

"""The content of messages, as tests make it and DATA carries it."""


def message(subject: str = "Hello", body: str = "Hello there.") -> bytes:
    """Return the content of a small message, unique to its subject and body."""
    return (f"From: Writer <writer@client.test>\r\nTo: reader@mx.test\r\nSubject: {subject}\r\n\r\n{body}\r\n").encode()


def stuff(content: bytes) -> bytes:
    """Return `content` with its dots doubled for DATA (RFC 5321 §4.5.2), without the final dot."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]

"""The last reply of a connection, which reaches the client even while the client still sends."""

import asyncio

_SECONDS = 1.0


def say_goodbye(transport: asyncio.WriteTransport, reply: str) -> None:
    """Write the last reply and close; the caller ignores what the client sends until then."""
    transport.write(f"{reply}\r\n".encode())
    if not transport.can_write_eof():
        transport.close()
        return
    # TCP drops the reply when a connection is closed while the client still sends (RFC 1122 §4.2.2.13).
    transport.write_eof()
    transport.resume_reading()  # type: ignore[attr-defined]  # TCP's can
    asyncio.get_running_loop().call_later(_SECONDS, transport.close)

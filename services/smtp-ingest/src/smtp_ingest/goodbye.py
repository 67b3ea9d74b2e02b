"""The end of a connection whose client still sends: the last reply reaches the client all the same."""

import asyncio

_SECONDS = 1.0


def say_goodbye(transport: asyncio.WriteTransport, reply: str) -> None:
    """Write the last reply, then close; what the client sends until it has seen the end is to be passed over."""
    transport.write(f"{reply}\r\n".encode())
    if not transport.can_write_eof():
        transport.close()
        return
    # Closed while the client still sends, TCP would take back the reply (RFC 1122 §4.2.2.13).
    transport.write_eof()
    transport.resume_reading()  # type: ignore[attr-defined]  # TCP's can
    asyncio.get_running_loop().call_later(_SECONDS, transport.close)

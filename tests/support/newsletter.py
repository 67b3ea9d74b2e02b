"""A typical newsletter, with an attached image and with remote images."""

import base64
from pathlib import Path

LOGO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEklEQVR4nGP4z8DAxMDAwIBMAgAUIAMBVuCUvgAAAABJRU5ErkJggg=="
)
HTML = Path(__file__).with_name("newsletter.html").read_text()


def content(html: str = HTML) -> bytes:
    """Return a message with this HTML document and the logo."""
    return (
        b"From: News <news@client.test>\r\nSubject: News\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/related; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(html.encode()).replace(b"\n", b"\r\n")
        + b"--b\r\nContent-Type: image/png\r\nContent-ID: <logo@client.test>\r\n"
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(LOGO).replace(b"\n", b"\r\n")
        + b"--b--\r\n"
    )

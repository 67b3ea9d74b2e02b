"""The octets of attachments, decoded from the stored content, compared with those of the standard library."""

import base64
import email
import email.message
import hashlib
from collections.abc import Awaitable, Callable

import pytest
from support import corpus
from support.database import incoming_message

from fake_email import parse
from fake_email.errors import AttachmentNotFound, MessageNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database, open_database
from fake_email.storage import attachments, store
from fake_email.storage.recipients import Recipient

PIECE_OCTETS = 524_288  # storage.source reads the content in such pieces


@pytest.fixture
def database_url(common_database_url: str) -> str:
    """Not a new database for each of so many tests: each looks at its own mailbox alone."""
    return common_database_url


@pytest.fixture
async def mailbox(new_mailbox: Callable[[], Awaitable[Recipient]]) -> Recipient:
    return await new_mailbox()


async def octets(connection: Connection, database: Database, mailbox: Recipient, content: bytes) -> list[bytes]:
    """Store the content, and return the octets of each of its attachments."""
    incoming = incoming_message(content, mailbox.mailbox_id)
    await store.store_messages(connection, [incoming])
    found = await attachments.find(connection, incoming.deliveries[0].id, token_sha256=None)
    read = []
    for attachment in found.attachments:
        read.append(b"".join([piece async for piece in attachments.read(database, found, attachment)]))
        assert len(read[-1]) == attachment.size
    return read


def expected(content: bytes) -> dict[str, bytes]:
    """The octets of each leaf part, by its IMAP section, as far as the standard library finds no defect."""
    parts: dict[str, bytes] = {}

    def walk(part: email.message.Message, section: str) -> None:
        children = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(children, list):
            for number, child in enumerate(children, 1):
                assert isinstance(child, email.message.Message)
                walk(child, f"{section}.{number}".lstrip("."))
        else:
            decoded = part.get_payload(decode=True)
            if isinstance(decoded, bytes) and not part.defects:
                parts[section or "1"] = decoded

    walk(email.message_from_bytes(content), "")
    return parts


def with_files(*bodies: tuple[str, bytes]) -> bytes:
    """A message with attachments, each given by its encoding and its encoded octets."""
    parts = b"".join(
        b"--b\r\nContent-Type: application/x-file\r\nContent-Disposition: attachment\r\n"
        b"Content-Transfer-Encoding: %b\r\n\r\n%b\r\n" % (encoding.encode(), body)
        for encoding, body in bodies
    )
    return b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n"


@corpus.is_needed
async def test_attachments_of_real_mail_have_their_size_and_the_octets_that_the_standard_library_decodes(
    connection: Connection, database_url: str, mailbox: Recipient
) -> None:
    compared = 0
    async with open_database(database_url, connections=1) as database:
        for path in corpus.FILES:
            content = path.read_bytes()
            read = await octets(connection, database, mailbox, content)
            parts = expected(content)
            for attachment, decoded in zip(parse.parse(content).attachments, read, strict=True):
                if attachment.type.startswith("message/") or attachment.part not in parts:
                    continue
                compared += 1
                assert decoded.rstrip(b"\r\n") == parts[attachment.part].rstrip(b"\r\n"), (path.name, attachment)
    assert compared > 20


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 65_535, 65_536, 200_001, 1_200_000])
async def test_base64_is_the_same_however_its_lines_end(
    connection: Connection, database_url: str, mailbox: Recipient, line_end: bytes, size: int
) -> None:
    data = hashlib.shake_128(b"seed").digest(size)
    body = base64.encodebytes(data).replace(b"\n", b"\r\n")
    content = with_files(("base64", body), ("BASE64", body)).replace(b"\r\n", line_end)

    async with open_database(database_url, connections=1) as database:
        assert await octets(connection, database, mailbox, content) == [data, data]


@pytest.mark.parametrize(
    ("encoding", "body", "data"),
    [
        ("base64", b"eHl6", b"xyz"),
        ("base64", b"eHl6eA", b"xyzx"),
        ("base64", b"eH l6\t!?-", b"xyz"),
        ("base64", b"eHl6\xff\xfe", b"xyz"),
        ("base64", b"eA==eA==", b"xx"),
        ("base64", b"eA==\r\n-- \r\na list", b"x"),
        ("x-uuencode", b"begin 644 x\r\n#>'EZ\r\n`\r\nend\r\n", b"xyz"),
        ("base64", b"", b""),
        ("base64", b"====", b""),
        ("base64", b"e", b""),
        ("quoted-printable", b"a=3Db=\r\nc", b"a=bc"),
        ("quoted-printable", b"a=zz=", b"a=zz"),
        ("quoted-printable", b"=C3=BC \xfc", b"\xc3\xbc \xfc"),
        ("8bit", b"\xff\x00\xfe", b"\xff\x00\xfe"),
        ("binary", b"\x00\r\n\n\n\x00", b"\x00\r\n\n\n\x00"),
        ("x-unknown", b"a=3D", b"a=3D"),
        ("", b"as it is", b"as it is"),
        ("7bit", b"", b""),
    ],
)
async def test_content_is_decoded_as_far_as_possible(
    connection: Connection, database_url: str, mailbox: Recipient, encoding: str, body: bytes, data: bytes
) -> None:
    async with open_database(database_url, connections=1) as database:
        assert await octets(connection, database, mailbox, with_files((encoding, body))) == [data]


# SignedData without signers, around an image.
SIGNED = b"MEUGCSqGSIb3DQEHAqA4MDYCAQExADAtBgkqhkiG9w0BBwGgIAQeQ29udGVudC1UeXBlOiBpbWFnZS9wbmcNCg0KQUJDMQA="


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
async def test_files_inside_of_parts_are_decoded(
    connection: Connection, database_url: str, mailbox: Recipient, line_end: bytes
) -> None:
    text = b"Content-Type: text/plain\r\n\r\nsee\r\nbegin 644 x\r\n#>\x27EZ\r\n`\r\nend\r\n"
    opaque = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + SIGNED
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n%b\r\n--b\r\n%b\r\n--b--\r\n" % (text, opaque)

    async with open_database(database_url, connections=1) as database:
        read = await octets(connection, database, mailbox, content.replace(b"\r\n", line_end))

    assert read == [b"xyz", base64.b64decode(SIGNED), b"ABC"]


@pytest.mark.parametrize("shift", range(6))
@pytest.mark.parametrize(
    ("encoding", "unit", "data"),
    [
        ("quoted-printable", b"=C3=BC=\r\n", b"\xc3\xbc"),
        ("quoted-printable", b"=C3=BC", b"\xc3\xbc"),
        ("base64", b"eHl6\r\n", b"xyz"),
        ("base64", b"e-H*l\r\n6", b"xyz"),
    ],
)
async def test_a_boundary_between_pieces_anywhere_changes_nothing(
    connection: Connection, database_url: str, mailbox: Recipient, encoding: str, unit: bytes, data: bytes, shift: int
) -> None:
    times = (PIECE_OCTETS + 200_000) // len(unit)
    prefix, decoded_prefix = (b"A" * shift, b"A" * shift) if encoding == "quoted-printable" else (b" " * shift, b"")

    async with open_database(database_url, connections=1) as database:
        read = await octets(connection, database, mailbox, with_files((encoding, prefix + unit * times)))

    assert read == [decoded_prefix + data * times]


async def test_an_attachment_number_out_of_range_is_refused(connection: Connection, mailbox: Recipient) -> None:
    incoming = incoming_message(with_files(("7bit", b"x")), mailbox.mailbox_id)
    await store.store_messages(connection, [incoming])
    found = await attachments.find(connection, incoming.deliveries[0].id, token_sha256=None)

    assert found.by_number(0).size == 1
    for number in (-1, 1, 10**9):
        with pytest.raises(AttachmentNotFound):
            found.by_number(number)


async def test_reading_an_attachment_stops_when_its_message_is_deleted(
    connection: Connection, database_url: str, mailbox: Recipient
) -> None:
    incoming = incoming_message(with_files(("8bit", b"x" * 2 * PIECE_OCTETS)), mailbox.mailbox_id)
    await store.store_messages(connection, [incoming])
    found = await attachments.find(connection, incoming.deliveries[0].id, token_sha256=None)

    async with open_database(database_url, connections=1) as database:
        pieces = attachments.read(database, found, found.by_number(0))
        assert await anext(pieces)
        await connection.execute("DELETE FROM message")
        with pytest.raises(MessageNotFound):
            async for _ in pieces:
                pass

"""The four readers of a message, and the fields in which they differ from the pair."""

import datetime
import email
import email.policy
import email.utils
import json
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
NODE = HERE.parents[1] / ".local/readers"
FIELDS = ("subject", "from", "date", "text", "html", "files")

Read = dict[str, object]


class Explanation(msgspec.Struct, frozen=True):
    """The reason why some readers differ from the pair in a field, in some messages or in all (`*`)."""

    messages: list[str]
    field: str
    readers: list[str]
    reason: str

    def covers(self, message: str, field: str, reader: str) -> bool:
        return bool({"*", message} & set(self.messages)) and self.field == field and reader in self.readers


def explanations() -> list[Explanation]:
    """The lines of explained.txt."""
    lines = (HERE / "explained.txt").read_text().splitlines()
    rows = [[word.strip() for word in line.split("|", 3)] for line in lines if line and not line.startswith("#")]
    return [
        Explanation(messages.split(", "), field, readers.split(", "), reason)
        for messages, field, readers, reason in rows
    ]


def with_node(paths: list[Path]) -> list[dict[str, Read]]:
    """Each message as postal-mime and mailparser read it."""
    done = subprocess.run(
        ["node", NODE / "read.mjs"],
        input="".join(f"{path}\n" for path in paths),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return [json.loads(line) for line in done.stdout.strip("\n").split("\n")]


def with_python(octets: bytes) -> Read:
    """The message as Python's `email` reads it."""
    try:
        message = email.message_from_bytes(octets, _class=EmailMessage, policy=email.policy.default)
        plain, html = message.get_body(("plain",)), message.get_body(("html",))
        files = [
            [part.get_filename() or "", len(part.get_payload(decode=True) or b"")]
            for part in message.walk()
            if not part.is_multipart() and part not in {plain, html}
        ]
        sender = message["from"].addresses[0].addr_spec if message["from"] and message["from"].addresses else ""
        return {
            "subject": str(message["subject"] or ""),
            "from": sender,
            "date": message["date"].datetime.isoformat() if message["date"] and message["date"].datetime else None,
            "text": plain.get_content() if plain else "",
            "html": html is not None,
            "files": files,
        }
    except Exception as error:  # noqa: BLE001  # whatever it raises, it could not read the message
        return {"error": type(error).__name__}


def differences(ours: Read, theirs: Read) -> Iterator[str]:
    """The fields in which another reader differs; only the words of text count, and those of rendered HTML do not."""
    if "error" in theirs:
        yield "error"
        return
    for field in FIELDS:
        if field == "text" and ours["html"]:
            continue
        if _plain(field, ours[field]) != _plain(field, theirs[field]):
            yield field


def _plain(field: str, value: object) -> object:
    match field:
        case "date":
            return email.utils.format_datetime(_moment(str(value))) if value else None
        case "files":
            assert isinstance(value, list)
            return sorted((name, size) for name, size in value)
        case "html":
            return value
    return " ".join(str(value).split()).lower()


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC).replace(microsecond=0)

"""The mailboxes that the command has made, with their tokens, in a file that only its user can read."""

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from fake_email_client.mail import Mail, Mailbox

_MOST = 100


class CommandError(Exception):
    """The command cannot do what was asked; the text says why."""


class KnownMailbox(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    address: str
    token: str | None
    expires_at: datetime
    # The seqs of the messages that `wait` has printed.
    returned: tuple[int, ...] = ()


class KnownMailboxes:
    """The file; the newest mailbox is its last."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, mailbox: KnownMailbox) -> None:
        """Keep a mailbox, in place of what is known of it, and drop those that have expired."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = datetime.now(UTC)
        kept = [each for each in self._read() if each.expires_at > now and each.address != mailbox.address]
        content = msgspec.json.format(msgspec.json.encode([*kept[1 - _MOST :], mailbox]))
        # Another command may read the file at any moment.
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        new.replace(self._path)

    def find(self, url: str, address: str | None) -> KnownMailbox | None:
        """The mailbox with this address; without one, the newest mailbox of this server."""
        ours = [each for each in self._read() if each.url == url and address in {None, each.address}]
        return ours[-1] if ours else None

    def mailbox(self, mail: Mail, address: str | None) -> Mailbox:
        """The mailbox with this address, else the newest; FAKE_EMAIL_TOKEN goes before the token that is known."""
        found = self.find(mail.url, address)
        if address is None and not found:
            raise CommandError(f"no mailbox was made at {mail.url} yet: run fake-email-client new, or name an address")
        token = os.environ.get("FAKE_EMAIL_TOKEN") or (found.token if found else None)
        return mail.open(address or (found.address if found else ""), token)

    def _read(self) -> list[KnownMailbox]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[KnownMailbox])
        except (FileNotFoundError, msgspec.DecodeError):
            return []


def default_path() -> Path:
    """The place of the file by the XDG Base Directory Specification."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / "fake-email-client/mailboxes.json"

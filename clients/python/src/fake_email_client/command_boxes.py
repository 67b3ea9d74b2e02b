"""The mailboxes that the command has made, with their tokens, in a file that only its user can read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from fake_email_client.address import canonical
from fake_email_client.mail import Mail, Mailbox

if sys.platform != "win32":
    import fcntl

_MOST = 100
# The clock of this machine may be wrong, by a time zone or more.
_CLOCK_SLACK = timedelta(days=1)


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
        with self._locked():
            self._write([*(each for each in self._read() if each.address != mailbox.address), mailbox])

    def take(self, url: str, address: str, seq: int) -> bool:
        """True for the first command that takes the message with this seq, and for each one of an unknown mailbox."""
        if not self.find(url, address):
            return True
        with self._locked():
            found = self.find(url, address)
            if found is None or seq in found.returned:
                return found is None
            taken = msgspec.structs.replace(found, returned=(*found.returned, seq))
            self._write([taken if each == found else each for each in self._read()])
            return True

    def find(self, url: str, address: str | None) -> KnownMailbox | None:
        """The mailbox with this address; without one, the newest mailbox of this server."""
        wanted = None if address is None else canonical(address)
        ours = [each for each in self._read() if each.url == url and wanted in {None, each.address}]
        return ours[-1] if ours else None

    def mailbox(self, mail: Mail, address: str | None) -> Mailbox:
        """The mailbox with this address, else the newest; FAKE_EMAIL_TOKEN goes before the token that is known."""
        found = self.find(mail.url, address)
        if address is None and not found:
            raise CommandError(f"no mailbox was made at {mail.url} yet: run fake-email-client new, or name an address")
        token = os.environ.get("FAKE_EMAIL_TOKEN") or (found.token if found else None)
        return mail.open(address or (found.address if found else ""), token)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Make other commands wait until the end of the block; raises CommandError when the file cannot be written."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path.with_suffix(".lock").open("w") as lock:
                if sys.platform != "win32":  # which has no such lock
                    fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise CommandError(f"cannot remember the mailbox: {error}; set XDG_STATE_HOME") from error

    def _write(self, mailboxes: list[KnownMailbox]) -> None:
        expired = datetime.now(UTC) - _CLOCK_SLACK
        kept = [each for each in mailboxes if each.expires_at > expired][-_MOST:]
        content = msgspec.json.format(msgspec.json.encode(kept))
        # Another command may read the file at any moment.
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        new.replace(self._path)

    def _read(self) -> list[KnownMailbox]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[KnownMailbox])
        except (FileNotFoundError, msgspec.DecodeError):
            return []
        except OSError as error:
            raise CommandError(f"cannot read the mailboxes that were made: {error}; set XDG_STATE_HOME") from error


def default_path() -> Path:
    """The path of the file by the XDG Base Directory Specification."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / "fake-email-client/mailboxes.json"

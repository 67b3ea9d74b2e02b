"""The work of each command."""

import argparse
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import get_args

from fake_email_client.clauses import AsTyped, Clauses, LinkKind, in_words
from fake_email_client.command_boxes import CommandError, KnownMailbox, KnownMailboxes
from fake_email_client.command_output import Output, Table, sender_of, show, span
from fake_email_client.command_send import send_test
from fake_email_client.command_terminal import Terminal
from fake_email_client.errors import RETURNED
from fake_email_client.mail import Mail, Mailbox
from fake_email_client.printable import printable
from fake_email_client.schemas import Message, SomeMessage
from fake_email_client.search import search

KINDS: tuple[str, ...] = ("any", *get_args(LinkKind))
_LISTED = 50
# The API may restart, or this machine sleep, while a person watches.
_WATCH_PATIENCE_SECONDS = 3600.0


def new(mail: Mail, known: KnownMailboxes, output: Output, given: argparse.Namespace) -> None:
    """The mailbox stays when the command ends, so that the next command can use it."""
    box = mail.mailbox(
        name=given.name,
        domain=given.domain,
        private=not given.public,
        exact=given.exact or None,
        ttl=given.ttl,
    )
    info = box.info()
    if output.terminal:
        terminal = output.terminal
        kind = "public, so that its address opens it" if given.public else "private"
        terminal.print(terminal.style(box.address, "bold", "green"))
        life = span((info.expires_at - info.created_at).total_seconds())
        terminal.print(terminal.style(f"{kind}, for {life}. Next: fake-email-client watch", "dim"))
    else:
        output.json({"address": box.address, "token": box.token, "expires_at": info.expires_at})
    # At the end, since the token of a mailbox that cannot be remembered would be lost.
    known.add(KnownMailbox(url=mail.url, address=box.address, token=box.token, expires_at=info.expires_at))


def wait(mail: Mail, known: KnownMailboxes, output: Output, given: argparse.Namespace) -> None:
    box = known.mailbox(mail, given.address)
    clauses = _clauses(given)
    kind: LinkKind | None = None if given.link in {None, "any"} else given.link
    noun = "a code" if given.code else "a link" if given.link else "mail"
    said = clauses.copy()
    said.pop("has", None)
    words = in_words(said)

    def progress(seconds: float) -> str:
        left = span(max(0, given.timeout - seconds))
        return f"Waiting for {noun}{words} to {box.address}, {left} left"

    def refuse(message: Message) -> str | None:
        return None if known.take(mail.url, box.address, message.seq) else RETURNED

    with output.progress(progress):
        message = mail.run(search(box.address, box.token, 0, given.timeout, clauses, refuse, kind))
    wanted = message.code if given.code else (message.link_of(kind) if kind else message.link) if given.link else None
    _print_found(output, given, message, wanted)


def _clauses(given: argparse.Namespace) -> Clauses:
    clauses: Clauses = {}
    for name in ("from_", "subject", "text"):
        if value := getattr(given, name):
            clauses[name] = AsTyped(value)
    if given.query:
        clauses["query"] = given.query
    if given.code or given.link:
        clauses["has"] = "code" if given.code else "link"
    return clauses


def _print_found(output: Output, given: argparse.Namespace, message: Message, wanted: str | None) -> None:
    """Print the code or the link that was wanted, else the message."""
    if given.raw:
        output.raw(message.text if wanted is None else wanted)
    elif not output.terminal:
        output.json(message if wanted is None else {"code" if given.code else "link": wanted, "message": message})
    elif wanted is None:
        show(output.terminal, message)
    else:
        _show_found(output.terminal, wanted, message)


def _show_found(terminal: Terminal, found: str, message: Message) -> None:
    terminal.print(terminal.style(printable(found), "bold", "green"))
    about = f"{message.subject or '(no subject)'} · {sender_of(message)}"
    terminal.print(terminal.style(printable(about), "dim"))


def watch(mail: Mail, known: KnownMailboxes, output: Output, given: argparse.Namespace) -> None:
    box = known.mailbox(mail, given.address)
    expires_at = box.info().expires_at
    with Mail(mail.url, patience=_WATCH_PATIENCE_SECONDS) as patient:
        messages = patient.open(box.address, box.token).stream(since="now" if given.new else 0)
        if output.terminal:
            _show_arriving(output.terminal, box.address, expires_at, messages)
        else:
            for message in messages:
                output.json(message)


def _show_arriving(terminal: Terminal, address: str, expires_at: datetime, messages: Iterable[SomeMessage]) -> None:
    count = 0

    def progress(_seconds: float) -> str:
        said = f"{count} message{'' if count == 1 else 's'}" if count else "Waiting for mail"
        return f"{said} · {address} · ends in {span(_seconds_until(expires_at))} · Ctrl-C to leave"

    table = Table(terminal)
    table.head()
    with terminal.progress(progress):
        for message in messages:
            count += 1
            table.add(message)
    terminal.print("The mailbox is over.")


def show_messages(mail: Mail, known: KnownMailboxes, output: Output, given: argparse.Namespace) -> None:
    address = next((each for each in given.what if "@" in each), None)
    wanted = [each for each in given.what if each != address]
    if len(wanted) > 1:
        raise ValueError(f"show takes one message, not {' and '.join(wanted)}")
    box = known.mailbox(mail, address)
    if not wanted and not given.source:
        _list(box, output, given.query)
        return
    message = _find(box, wanted[0] if wanted else "last")
    if given.source:
        output.source(box.source(message))
    elif output.terminal:
        show(output.terminal, box.read(message))
    else:
        output.json(box.read(message))


def _list(box: Mailbox, output: Output, query: str | None) -> None:
    messages = box.messages(query, order="newest")
    if not output.terminal:
        for message in reversed(messages):
            output.json(message)
        return
    terminal = output.terminal
    if not messages:
        terminal.print(f"{box.address} has no {'such ' if query else ''}mail.")
        return
    table = Table(terminal)
    table.head()
    for message in reversed(messages[:_LISTED]):
        table.add(message)
    rest = f", of which the newest {_LISTED} are shown" if len(messages) > _LISTED else ""
    number = f"{len(messages)} message{'' if len(messages) == 1 else 's'}"
    terminal.print(terminal.style(f"{number} in {box.address}{rest}", "dim"))


def _find(box: Mailbox, wanted: str) -> SomeMessage | str:
    """The message with this number, or the last one; an id is taken as it is."""
    if not wanted.isdecimal() and wanted != "last":
        return wanted
    messages = box.messages()
    found = [each for each in messages if wanted == "last" or each.seq == int(wanted)]
    if not found:
        raise CommandError(f"{box.address} has no {'mail' if wanted == 'last' else f'message {wanted}'}")
    return found[0]


def _seconds_until(moment: datetime) -> float:
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


RUN: dict[str, Callable[[Mail, KnownMailboxes, Output, argparse.Namespace], None]] = {
    "new": new,
    "wait": wait,
    "watch": watch,
    "show": show_messages,
    "send-test": send_test,
}

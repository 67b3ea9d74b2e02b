"""The commands `mailboxes`, `messages`, `block`, `unblock` and `stats`: their arguments, and what each does."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec
import psycopg

from fake_email.operator_tools import act_log, arguments, output
from fake_email.postgres.connection import Connection, conninfo
from fake_email.settings import DatabaseSettings
from fake_email.storage import blocks, operator_stats, operator_view
from fake_email.storage.operator_view import Count, Which

_LIMIT = 50
_TOP = 10
_DEFAULT_REPLY = "Mail from your domain or network is not accepted here"

Command: TypeAlias = Callable[[Connection, argparse.Namespace], Awaitable[None]]


class _Lists(Protocol):
    async def __call__(self, connection: Connection, which: Which, *, limit: int) -> Sequence[msgspec.Struct]: ...


class _Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Mailboxes or messages: the functions that list, count and delete them, and the words for them."""

    name: str
    nothing: str
    act: act_log.Act
    list: _Lists
    count: Callable[[Connection, Which], Awaitable[Count]]
    in_words: Callable[[Count], str]
    delete: Callable[[Connection, Which], Awaitable[int]]


_MAILBOXES = _Kind(
    name="mailboxes",
    nothing="no mailbox matches",
    act="mailboxes_deleted",
    list=operator_view.list_mailboxes,
    count=operator_view.count_mailboxes,
    in_words=lambda count: f"{count.mailboxes:,} mailboxes with {count.messages:,} messages",
    delete=operator_view.delete_mailboxes,
)
_MESSAGES = _Kind(
    name="messages",
    nothing="no message matches",
    act="messages_deleted",
    list=operator_view.list_messages,
    count=operator_view.count_messages,
    in_words=lambda count: f"{count.messages:,} messages in {count.mailboxes:,} mailboxes",
    delete=operator_view.delete_messages,
)


class AddParser(Protocol):
    """The `add_parser` of argparse's subparsers."""

    def __call__(self, name: str, *, help: str) -> argparse.ArgumentParser: ...  # noqa: A002  # argparse's name


def add_to(add_parser: AddParser) -> None:
    """Add the commands to `fake-email` with its subparsers' `add_parser`; each sets `run`, a Command."""
    which = add_parser("mailboxes", help="list, count or delete mailboxes")
    which.add_argument("to_", nargs="?", type=arguments.address_or_domain, metavar="ADDRESS|DOMAIN", help="these alone")
    _add_what_to_do(which)
    which.set_defaults(run=_find, kind=_MAILBOXES, from_=None, client=None)

    which = add_parser("messages", help="list, count or delete messages, without showing what they say")
    which.add_argument("--to", dest="to_", type=arguments.address_or_domain, metavar="ADDRESS|DOMAIN", help="received")
    which.add_argument(
        "--from",
        dest="from_",
        type=arguments.address_or_domain,
        metavar="ADDRESS|DOMAIN",
        help="sent, by the envelope or the From field",
    )
    which.add_argument("--client", type=arguments.network, metavar="NETWORK", help="sent by a client of this network")
    _add_what_to_do(which)
    which.set_defaults(run=_find, kind=_MESSAGES)

    block = add_parser("block", help="refuse the mail of a domain or network; without one, list the blocks")
    block.add_argument(
        "sender",
        nargs="?",
        type=arguments.sender,
        metavar="DOMAIN|NETWORK",
        help="a domain with its subdomains, or a network",
    )
    block.add_argument(
        "--reply",
        type=arguments.reply,
        default=_DEFAULT_REPLY,
        metavar="TEXT",
        help="the text after 550 5.7.1 (default: %(default)s)",
    )
    _add_json(block)
    block.set_defaults(run=_block)

    unblock = add_parser("unblock", help="take a block back")
    unblock.add_argument("sender", type=arguments.sender, metavar="DOMAIN|NETWORK")
    unblock.set_defaults(run=_unblock)

    stats = add_parser("stats", help="show how much is stored, and where the mail of the last day came from")
    _add_json(stats)
    stats.set_defaults(run=_stats)


async def run(settings: DatabaseSettings, parsed: argparse.Namespace) -> None:
    """Run the command of the parsed arguments; raises psycopg.Error."""
    command: Command = parsed.run
    connecting = psycopg.AsyncConnection.connect(conninfo(settings.database_url), autocommit=True)
    async with await connecting as connection:
        await command(connection, parsed)


def _add_what_to_do(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--count", action="store_true", help="say how many there are")
    what.add_argument("--delete", action="store_true", help="delete all that match; on a terminal it asks before")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--limit", type=int, default=_LIMIT, metavar="N", help="list the newest N (default: %(default)s)"
    )
    _add_json(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each row")


def _words(which: Which) -> str:
    given = {"to": which.to_, "from": which.from_, "client": which.client}
    return " ".join(f"{name} {value}" for name, value in given.items() if value)


async def _find(connection: Connection, parsed: argparse.Namespace) -> None:
    """List, count or delete what `parsed.kind` has and the arguments name."""
    kind: _Kind = parsed.kind
    which = Which(to_=parsed.to_, from_=parsed.from_, client=parsed.client)
    if parsed.delete:
        if _may_delete(parsed, which, kind.in_words(await kind.count(connection, which))):
            deleted = await kind.delete(connection, which)
            act_log.record(kind.act, of=_words(which), number=deleted)
            sys.stdout.write(f"deleted {deleted:,} {kind.name}\n")
    elif parsed.count:
        output.show_fields(await kind.count(connection, which), as_json=parsed.json)
    else:
        found = await kind.list(connection, which, limit=parsed.limit)
        output.show(found, as_json=parsed.json, nothing=kind.nothing)
        if len(found) == parsed.limit and not parsed.json:
            sys.stdout.write(f"the newest {len(found):,}; --limit N shows more, --count how many there are\n")


async def _block(connection: Connection, parsed: argparse.Namespace) -> None:
    if parsed.sender is None:
        output.show(await blocks.fetch_all(connection), as_json=parsed.json, nothing="no sender is blocked")
        return
    if not await blocks.add(connection, sender=parsed.sender, reply=parsed.reply, blocked_by=act_log.operator()):
        sys.exit(f"there are {blocks.MAX_BLOCKS:,} blocks, and there can be no more; block networks or domains above")
    act_log.record("sender_blocked", of=parsed.sender, number=1)
    sys.stdout.write(f"{parsed.sender}: RCPT gets 550 5.7.1 {parsed.reply}, within a few seconds\n")


async def _unblock(connection: Connection, parsed: argparse.Namespace) -> None:
    if not await blocks.remove(connection, parsed.sender):
        sys.exit(f"{parsed.sender} is not blocked; fake-email block lists what is")
    act_log.record("sender_unblocked", of=parsed.sender, number=1)
    sys.stdout.write(f"{parsed.sender}: no longer blocked, within a few seconds\n")


async def _stats(connection: Connection, parsed: argparse.Namespace) -> None:
    output.show_fields(await operator_stats.stats(connection), as_json=parsed.json)
    for title, senders in (
        ("domains", await operator_stats.top_domains(connection, limit=_TOP)),
        ("clients", await operator_stats.top_clients(connection, limit=_TOP)),
    ):
        if senders and not parsed.json:
            sys.stdout.write(f"\n{title} that most of the stored mail of the last day came from\n")
        output.show(senders, as_json=parsed.json, nothing="")


def _may_delete(parsed: argparse.Namespace, which: Which, what: str) -> bool:
    if which == Which():
        sys.exit("say which to delete: an address, a domain, a sender or a network")
    if parsed.yes or not sys.stdin.isatty():
        return True
    sys.stdout.write(f"delete {what}? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}

"""The command `fake-email-client`: make a mailbox, wait for its mail, and look into it, from a shell."""

import argparse
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version

import httpx2

from fake_email_client import command_calls
from fake_email_client.calls import Cut
from fake_email_client.command_boxes import CommandError, KnownMailboxes, default_path
from fake_email_client.command_output import Output
from fake_email_client.errors import NoMail, Problem
from fake_email_client.mail import Mail
from fake_email_client.printable import printable_lines
from fake_email_client.requests import checked_url

NO_MAIL, USAGE, FAILED, INTERRUPTED = 1, 2, 3, 130
_PATIENCE_SECONDS = 3.0
_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_EPILOG = """A command without ADDRESS takes the mailbox that was made last. On a terminal, the output is for people;
in a pipe it is JSON, one line for each message. FAKE_EMAIL_TOKEN is the token of a mailbox that another program made.
Exit status: 0; 1 when no mail came; 2 for wrong arguments; 3 when the API or the mail server refused something."""


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal may lack characters of the mail.
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    given = _parser().parse_args(arguments)
    if given.command == "mcp":
        return _serve_mcp(given.url)
    try:
        with Mail(given.url, patience=_PATIENCE_SECONDS) as mail:
            command_calls.RUN[given.command](mail, KnownMailboxes(default_path()), Output(is_json=given.json), given)
    except BrokenPipeError:
        # The reader of the output has seen enough, and the interpreter must not flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return INTERRUPTED
    except (NoMail, Problem, CommandError, httpx2.HTTPError, ValueError) as error:
        return _fail(*_explain(error, given.url))
    return 0


def _explain(error: Exception, url: str) -> tuple[str, int]:
    """The sentence about an error, and the exit status."""
    if isinstance(error, NoMail):
        return str(error), NO_MAIL
    if isinstance(error, Cut):
        return f"the API at {url} does not respond ({error}). Is FAKE_EMAIL_URL right?", FAILED
    return str(error), USAGE if isinstance(error, ValueError) else FAILED


def _fail(text: str, status: int) -> int:
    sys.stderr.write(f"fake-email-client: {printable_lines(text)}\n")
    return status


def _serve_mcp(url: str) -> int:
    try:
        checked_url(url)
        # An extra, which the other commands do without.
        server = importlib.import_module("fake_email_client.mcp_server")
    except ValueError as error:
        return _fail(str(error), USAGE)
    except ModuleNotFoundError as error:
        if error.name != "mcp":
            raise
        return _fail("the MCP server needs an extra: pip install 'fake-email-client[mcp]'", FAILED)
    server.serve(url)
    return 0


def seconds(text: str) -> int:
    """Seconds of `90`, `10m`, `2h` or `7d`."""
    found = re.fullmatch(r"(\d+)\s*([a-z]*)", text)
    if not found or found[2] not in _UNITS:
        raise argparse.ArgumentTypeError(f"{text} is not a time such as 90, 10m, 2h or 7d")
    return int(found[1]) * _UNITS[found[2]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fake-email-client", description=__doc__, epilog=_EPILOG)
    url = os.environ.get("FAKE_EMAIL_URL") or "http://localhost:3001"
    parser.set_defaults(url=url, json=False)
    parser.add_argument("--version", action="version", version=version("fake-email-client"))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # Before and after the name of the command.
    both = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    about_url = f"the address of the API; by default FAKE_EMAIL_URL, now {url.replace('%', '%%')}"
    for each in (parser, both):
        each.add_argument("--url", default=argparse.SUPPRESS, help=about_url)
        each.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON on a terminal too")

    new = commands.add_parser("new", parents=[both], help="make a mailbox")
    new.add_argument("--name", help="the address begins with this")
    new.add_argument("--exact", action="store_true", help="the address is the name")
    new.add_argument("--domain", help="one of the domains of the server")
    new.add_argument("--public", action="store_true", help="readable by the address alone, without a token")
    new.add_argument("--ttl", type=seconds, metavar="TIME", help="how long it lives: 90, 10m, 2h, 7d")

    wait = commands.add_parser(
        "wait", parents=[both], help="wait for a message; no message of a mailbox that new made comes twice"
    )
    _address(wait)
    wanted = wait.add_mutually_exclusive_group()
    wanted.add_argument("--code", action="store_true", help="for a code, and print it")
    wanted.add_argument("--link", nargs="?", const="any", choices=command_calls.KINDS, help="for a link, and print it")
    wait.add_argument("--from", dest="from_", metavar="TEXT", help="the sender has this text; /…/ is a pattern (RE2)")
    wait.add_argument("--subject", metavar="TEXT")
    wait.add_argument("--text", metavar="TEXT")
    wait.add_argument("--query", metavar="SEARCH", help="as from:example.com has:attachment")
    wait.add_argument("--timeout", type=seconds, default=60, metavar="TIME", help="60 seconds by default")
    wait.add_argument("--raw", action="store_true", help="print the code or the link alone, in a pipe too")

    watch = commands.add_parser("watch", parents=[both], help="show each message as it arrives, until Ctrl-C")
    _address(watch)
    watch.add_argument("--new", action="store_true", help="leave out the messages that are there already")

    show = commands.add_parser("show", parents=[both], help="list the messages, or show one")
    show.add_argument("what", nargs="*", metavar="ADDRESS|MESSAGE", help="MESSAGE is its number, its id, or last")
    show.add_argument("--query", metavar="SEARCH", help="list what this search finds")
    show.add_argument("--source", action="store_true", help="print the message as it was received")

    send = commands.add_parser(
        "send-test", parents=[both], help="send a mail with a code, a link and a file to a mailbox"
    )
    _address(send)
    send.add_argument("--smtp", metavar="HOST:PORT", help="the mail server; by default the one that the API names")

    commands.add_parser("mcp", parents=[both], help="serve mailboxes to a program that speaks MCP, on stdin and stdout")
    return parser


def _address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", nargs="?", metavar="ADDRESS", help="by default the mailbox that was made last")

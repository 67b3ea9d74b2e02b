"""The arguments of `fake-email doctor`, and the installation that they name."""

import argparse
import urllib.parse
from pathlib import Path

from fake_email import mailbox_address
from fake_email.doctor import disposable
from fake_email.doctor.finding import GROUPS
from fake_email.errors import SettingsError
from fake_email.settings import dns_server

HELP = "check an installation, on its host or from anywhere, and say how to mend what is wrong"
EPILOG = """
Exit status: 0 when all is well, 1 with warnings, 2 with errors or wrong arguments. On a host, run it as root: it reads
/etc/fake-email/env. On another machine, name a domain: fake-email doctor --domain fake-email.example
"""
_LABEL_OCTETS = 63


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the arguments to the parser of the command."""
    parser.epilog = EPILOG
    where = parser.add_argument_group("from another machine, without settings and database")
    where.add_argument(
        "--domain",
        type=_domain,
        action="append",
        default=[],
        metavar="DOMAIN",
        help="a domain that takes mail; may be repeated, the first one counts for the hosts",
    )
    where.add_argument("--api", type=_url, metavar="URL", help="the API (default: https://api.DOMAIN)")
    where.add_argument("--smtp", type=_server, metavar="HOST[:PORT]", help="the mail host (default: mail.DOMAIN:25)")
    where.add_argument(
        "--origin", type=_url, action="append", default=[], metavar="URL", help="the origin of a web page of yours"
    )
    parser.add_argument(
        "--only", type=_groups, metavar="GROUP,…", help=f"check these groups alone, of {', '.join(GROUPS)}"
    )
    parser.add_argument("--resolver", type=_resolver, metavar="ADDRESS", help="a DNS server, as in 192.0.2.53")
    parser.add_argument(
        "--disposable-domains",
        type=_domain_list,
        metavar="FILE",
        help="look for the domains on a public list of disposable ones, with a domain a line",
    )
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="check again for this long while there are errors"
    )
    parser.add_argument("--quiet", action="store_true", help="leave out the checks that passed")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each finding")


def _domain(text: str) -> str:
    domain = mailbox_address.a_labels(text.strip().rstrip("."))
    if not all(0 < len(label) <= _LABEL_OCTETS and "/" not in label for label in domain.split(".")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a domain, as in fake-email.example")
    return domain


def _url(text: str) -> str:
    url = text.strip().rstrip("/")
    try:
        parts = urllib.parse.urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_url = False
    if not is_url or parts.path or parts.query:
        raise argparse.ArgumentTypeError(f"{text!r} is not the URL of a host, as in https://api.fake-email.example")
    return url


def _server(text: str) -> tuple[str, int]:
    try:
        parts = urllib.parse.urlsplit(f"//{text.strip()}")
        host, port = parts.hostname, parts.port or 25
    except ValueError:
        host, port = None, 0
    if not host or parts.path:
        raise argparse.ArgumentTypeError(f"{text!r} is not a host, as in mail.fake-email.example:25")
    return host, port


def _groups(text: str) -> tuple[str, ...]:
    groups = tuple(each.strip() for each in text.split(",") if each.strip())
    if unknown := [each for each in groups if each not in GROUPS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(GROUPS)}")
    return groups


def _resolver(text: str) -> tuple[str, int]:
    try:
        return dns_server(text)
    except SettingsError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a DNS server, as in 192.0.2.53 or 192.0.2.53:5300") from None


def _domain_list(text: str) -> frozenset[str]:
    try:
        return disposable.read(Path(text))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise argparse.ArgumentTypeError(f"{text}: cannot be read: {reason}") from None

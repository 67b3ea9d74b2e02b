"""The start of a command: its arguments and settings, its listening socket, its limit of open files."""

import argparse
import importlib.metadata
import os
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NoReturn

from fake_email import log, setting_names
from fake_email.errors import SettingsError
from fake_email.settings import VARIABLES, Settings, load


def argument_parser(program: str, description: str) -> argparse.ArgumentParser:
    """A parser that knows `--help` and `--version`; a wrong command line ends the process with status 2."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    return parser


class _Version(argparse.Action):
    """Shows the version of the program; a start without it does not read the metadata, which takes long."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        version = importlib.metadata.version(parser.prog)  # each command has the name of its package
        sys.stdout.write(f"{parser.prog} {version}\n")
        parser.exit()


@contextmanager
def starting(program: str, description: str) -> Iterator[Settings]:
    """The settings of a service, for the block that starts it.

    A SettingsError in the block ends the process with status 2, an OSError with status 1, each with one line on stderr.
    """
    argument_parser(program, f"{description}; it reads its settings from the environment.").parse_args()
    try:
        settings = load(os.environ, Settings)
        log.configure(settings.log_level)
        setting_names.warn_of_misspelt(os.environ, VARIABLES)
        yield settings
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except OSError as error:
        sys.exit(error.strerror or str(error))


def bind(
    service: Literal["HTTP", "SMTP"], host: str, port: int, *, backlog: int, is_for_metrics: bool = False
) -> socket.socket:
    """The listening socket of a service.

    Raises OSError, with the names of the settings in its text, when the address is in use or not of this host.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        names = f"METRICS_HOST, {service}_METRICS_PORT" if is_for_metrics else f"{service}_HOST, {service}_PORT"
        text = f"{names}: cannot listen on {host}:{port}: {error.strerror}"
        raise OSError(error.errno, text) from error


def raise_file_limit() -> None:
    """Allow as many open files as the host does: each connection is one."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))

"""What a command reads from its command line, and asks of its process, before it does its work."""

import argparse
import importlib.metadata
import resource


def argument_parser(program: str, description: str) -> argparse.ArgumentParser:
    """A parser that knows `--help` and `--version`; a wrong command line ends the process with status 2."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    version = importlib.metadata.version(program)  # each command has the name of the package that it comes in
    parser.add_argument("--version", action="version", version=f"{program} {version}")
    return parser


def raise_file_limit() -> None:
    """Have as many open files as the host allows: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

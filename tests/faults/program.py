"""Programs of this package in processes of their own: each command and each response is one line of JSON."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

_PATHS = [str(Path(__file__).parents[2] / each) for each in ("tests", "dev")]


class ProgramFailed(Exception):
    """The process ended without a response; its output on stderr says why."""


class Program:
    """`python -m` with a module of this package, until `end`."""

    def __init__(self, module: str, prefix: Sequence[str] = ()) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", module],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(_PATHS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def request(self, command: msgspec.Struct) -> bytes:
        """Send a command and return the response; raises ProgramFailed."""
        stdin, stdout = _pipes(self._process)
        with suppress(BrokenPipeError):
            stdin.write(msgspec.json.encode(command) + b"\n")
            stdin.flush()
        response = stdout.readline()
        if not response:
            raise ProgramFailed(f"{self._module} ended with status {self._process.wait()}")
        return response

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in _pipes(self._process):
            with suppress(BrokenPipeError):  # a command that it never read
                pipe.close()


@contextmanager
def running_program(module: str) -> Iterator[Program]:
    """Run a program during the block."""
    program = Program(module)
    try:
        yield program
    finally:
        program.end()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout

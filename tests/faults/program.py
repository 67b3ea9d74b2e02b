"""A process outside that is told a line of JSON and answers with one."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

_PATHS = [str(Path(__file__).parents[2] / each) for each in ("tests", "dev")]


class ProgramFailed(Exception):
    """The process ended, or said what nobody expects; what it wrote on stderr says why."""


class Program:
    """`python -m` the module, until `end`."""

    def __init__(self, module: str, prefix: Sequence[str] = ()) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", module],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(_PATHS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def tell(self, order: msgspec.Struct) -> bytes:
        """The answer to an order."""
        stdin, stdout = _pipes(self._process)
        with suppress(BrokenPipeError):
            stdin.write(msgspec.json.encode(order) + b"\n")
            stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise ProgramFailed(f"{self._module} ended with status {self._process.wait()}")
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in _pipes(self._process):
            with suppress(BrokenPipeError):  # what it was told and never read
                pipe.close()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout

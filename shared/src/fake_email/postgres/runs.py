"""The interface of everything that runs work on connections: a Database, or a client's share of one."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from fake_email.postgres.connection import ANSWER_SECONDS, Connection

Result = TypeVar("Result")


class Runs(Protocol):
    """Runs work on connections as Database does: a Database, or what shares one out."""

    async def run(
        self, work: Callable[[Connection], Awaitable[Result]], *, answer_seconds: float = ANSWER_SECONDS
    ) -> Result: ...


class RunsWrites(Runs, Protocol):
    """Also runs work that commits."""

    async def write(
        self, work: Callable[[Connection], Awaitable[Result]], *, answer_seconds: float = ANSWER_SECONDS
    ) -> Result: ...

"""The look-ups of one message, which are bounded in number and in time."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from smtp_ingest.authentication.questions import Answer, Answers, Question

MAX_LOOKUPS = 40
MAX_SECONDS = 5.0


class LooksUp(Protocol):
    """A source of answers to questions."""

    async def look_up(self, question: Question, seconds: float) -> Answer:
        """The answer within so many seconds; a failure is an answer too."""

    async def is_there(self) -> bool:
        """True when it answers at all."""


class Lookups:
    """Past its bounds, each further answer is a failure."""

    def __init__(self, resolver: LooksUp) -> None:
        self._resolver = resolver
        self._ends_at = asyncio.get_running_loop().time() + MAX_SECONDS
        self._answers: dict[Question, Answer] = {}

    @property
    def answers(self) -> Answers:
        """The answers known by now."""
        return self._answers

    @property
    def are_silent(self) -> bool:
        """True when no look-up got an answer at all."""
        return bool(self._answers) and all(each.is_silent for each in self._answers.values())

    async def ask(self, questions: Iterable[Question]) -> None:
        """Return when all of these have an answer."""
        new = [each for each in dict.fromkeys(questions) if each not in self._answers]
        left = max(MAX_LOOKUPS - len(self._answers), 0)
        for each in new[left:]:
            self._answers[each] = Answer(failure=f"the message needs more than {MAX_LOOKUPS} look-ups")
        async with asyncio.TaskGroup() as tasks:
            for each in new[:left]:
                tasks.create_task(self._look_up(each))

    async def _look_up(self, question: Question) -> None:
        seconds = self._ends_at - asyncio.get_running_loop().time()
        if seconds > 0:
            self._answers[question] = await self._resolver.look_up(question, seconds)
        else:
            self._answers[question] = Answer(
                failure=f"the look-ups took more than {MAX_SECONDS:.0f} seconds", is_silent=True
            )

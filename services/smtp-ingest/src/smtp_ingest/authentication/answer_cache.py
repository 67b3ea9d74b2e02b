"""Answers of DNS for as long as they hold, in bounded memory. Pure."""

from smtp_ingest.authentication.questions import Answer, Question

_MAX_OCTETS = 4 * 1_048_576
_ENTRY_OCTETS = 500
_MAX_SECONDS = 3_600.0


class AnswerCache:
    """Past its bound, the answer that was added first is dropped."""

    def __init__(self, max_octets: int = _MAX_OCTETS) -> None:
        self._max_octets = max_octets
        self._octets = 0
        self._answers: dict[Question, tuple[float, Answer]] = {}

    def get(self, question: Question, now: float) -> Answer | None:
        """The answer, unless its time is over."""
        ends_at, answer = self._answers.get(question, (now, None))
        return answer if now < ends_at else None

    def add(self, question: Question, answer: Answer, *, seconds: float, now: float) -> None:
        """Keep the answer for so many seconds, an hour at most."""
        if seconds <= 0:
            return
        self._drop(question)
        self._answers[question] = (now + min(seconds, _MAX_SECONDS), answer)
        self._octets += _octets(question, answer)
        while self._octets > self._max_octets:
            self._drop(next(iter(self._answers)))

    def _drop(self, question: Question) -> None:
        _, answer = self._answers.pop(question, (0.0, None))
        if answer:
            self._octets -= _octets(question, answer)


def _octets(question: Question, answer: Answer) -> int:
    return _ENTRY_OCTETS + len(question.name) + sum(len(each) + _ENTRY_OCTETS // 5 for each in answer.values)

"""The counts of the edge of a worker process since its start, in plain integers. Pure."""

from collections import Counter


class EdgeCounts:
    """The responses by the first digit of their status, and the calls that were past a rate limit."""

    def __init__(self) -> None:
        self.responses = [0] * 6
        self.refused: Counter[str] = Counter()

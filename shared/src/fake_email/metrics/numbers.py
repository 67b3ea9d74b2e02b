"""A metric: its name, and how to read its numbers from the objects of a service. Pure.

The services count in plain integers, which costs nothing worth a measurement; a metric is read when somebody asks.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Literal, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")
Kind = Literal["counter", "gauge", "histogram"]
# The numbers of one metric: one for each series; for a histogram its counts, then the sum of what it observed.
Numbers: TypeAlias = list[float]


class Histogram:
    """Counts observations by size: one more count than `bounds`, each of which is the largest size of its count."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def numbers(self) -> Numbers:
        return [*self.counts, self.total]


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """One metric, as the page shows it.

    All values of its labels are known when the program starts: nothing that a stranger sends becomes one. The numbers
    of several processes are added up, or the largest is taken.
    """

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    series: tuple[tuple[str, ...], ...] = ((),)
    bounds: tuple[float, ...] = ()
    merge: Literal["sum", "max"] = "sum"

    @property
    def size(self) -> int:
        """The number of its numbers."""
        return len(self.bounds) + 2 if self.kind == "histogram" else len(self.series)


class Metric(Description, Generic[T], frozen=True, kw_only=True):
    """One metric of the objects `T`, and how to read it."""

    read: Callable[[T], Numbers]


def counter(name: str, text: str, read: Callable[[T], float]) -> Metric[T]:
    """A number that only grows."""
    return Metric(name=name, kind="counter", text=text, read=lambda of: [float(read(of))])


def gauge(name: str, text: str, read: Callable[[T], float], *, merge: Literal["sum", "max"] = "sum") -> Metric[T]:
    """A number that grows and shrinks."""
    return Metric(name=name, kind="gauge", text=text, read=lambda of: [float(read(of))], merge=merge)


def counters(
    name: str, text: str, read: Callable[[T], Mapping[str, int]], *, label: str, values: Sequence[str]
) -> Metric[T]:
    """A number that only grows for each of `values`; one that `read` does not have is 0."""

    def numbers(of: T) -> Numbers:
        counts = read(of)
        return [float(counts.get(value, 0)) for value in values]

    return Metric(
        name=name, kind="counter", text=text, read=numbers, labels=(label,), series=tuple((each,) for each in values)
    )


def histogram(name: str, text: str, read: Callable[[T], Histogram], *, bounds: Sequence[float]) -> Metric[T]:
    """The sizes that a Histogram of these bounds observed."""
    return Metric(name=name, kind="histogram", text=text, read=lambda of: read(of).numbers(), bounds=tuple(bounds))


def read_all(metrics: Sequence[Metric[T]], of: T) -> list[Numbers]:
    """The numbers of all metrics at this moment, in their order."""
    return [metric.read(of) for metric in metrics]


def merged(metrics: Sequence[Description], processes: Sequence[list[Numbers]]) -> list[Numbers]:
    """The numbers of several processes as those of one; without a process, zeros."""
    if not processes:
        return [[0.0] * metric.size for metric in metrics]
    return [
        [(sum if metric.merge == "sum" else max)(same) for same in zip(*numbers, strict=True)]
        for metric, *numbers in zip(metrics, *processes, strict=True)
    ]

"""Metrics: how they are read, and how the numbers of several processes become one."""

from collections import Counter

from fake_email.metrics.numbers import Histogram, Metric, counter, counters, gauge, histogram, merged, read_all

BOUNDS = (1.0, 2.0)


class Thing:
    """The numbers that a service counts with."""

    def __init__(self, *, size: int = 0, colours: tuple[str, ...] = (), seen: tuple[float, ...] = ()) -> None:
        self.size = size
        self.colours = Counter(colours)
        self.seen = Histogram(BOUNDS)
        for each in seen:
            self.seen.observe(each)


METRICS: tuple[Metric[Thing], ...] = (
    counter("things", "All.", lambda thing: thing.size),
    gauge("worst", "The largest.", lambda thing: thing.size, merge="max"),
    counters("colours", "By colour.", lambda thing: thing.colours, label="colour", values=("red", "blue")),
    histogram("sizes", "By size.", lambda thing: thing.seen, bounds=BOUNDS),
)


def test_each_metric_has_a_number_for_each_of_its_series() -> None:
    thing = Thing(size=3, colours=("red", "red", "green"), seen=(0.5, 1.0, 1.5, 9.0))

    assert read_all(METRICS, thing) == [[3], [3], [2, 0], [2, 1, 1, 12.0]]


def test_numbers_of_processes_are_added_up_unless_the_largest_matters() -> None:
    processes = [read_all(METRICS, Thing(size=size, seen=(1.0,))) for size in (3, 4)]

    assert merged(METRICS, processes) == [[7], [4], [0, 0], [2, 0, 0, 2.0]]


def test_without_a_process_all_numbers_are_zero() -> None:
    assert merged(METRICS, []) == [[0], [0], [0, 0], [0, 0, 0, 0]]

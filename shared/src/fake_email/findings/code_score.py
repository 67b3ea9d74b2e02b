"""The likelihood that a candidate is a code: a logistic model, whose weights `make train` learns from labelled mail."""

import math
from collections.abc import Iterable, Mapping
from importlib import resources

FILE = resources.files("fake_email.findings").joinpath("code_weights.txt")

_MOST = 30.0  # of a sum, so that its exponential is a number


def _read() -> dict[str, float]:
    """The weight of each feature, and the bias; a line of the file is a weight, a blank and a name."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {name: float(weight) for weight, _, name in (line.partition(" ") for line in lines)}


_WEIGHTS = _read()


def likelihood(features: Iterable[str], weights: Mapping[str, float] = _WEIGHTS) -> float:
    """The likelihood of a code with these features, 0 to 1; the same feature twice counts twice."""
    weight = weights.get
    total = sum([weight(name, 0.0) for name in features], weights["bias"])
    return 1 / (1 + math.exp(-min(_MOST, max(-_MOST, total))))

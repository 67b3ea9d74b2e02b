"""The kind of a link by its features: a logistic model, whose weights `make train` learns from labelled mail."""

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import get_args

from fake_email.parsed_message import LinkKind

FILE = resources.files("fake_email.findings").joinpath("link_weights.txt")
KINDS: tuple[LinkKind, ...] = get_args(LinkKind)

Weights = Mapping[str, tuple[float, ...]]


def _read() -> Weights:
    """The weights of each feature, and the bias, for each of KINDS; a line has the weights, and the name at its end."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    rows = (line.split(" ", len(KINDS)) for line in lines)
    return {name: tuple(map(float, weights)) for *weights, name in rows}


_WEIGHTS = _read()


def kind(features: Iterable[str], weights: Weights = _WEIGHTS) -> LinkKind:
    """The likeliest kind of a link with these features."""
    rows = [weights["bias"], *filter(None, map(weights.get, features))]
    sums = [sum(column) for column in zip(*rows, strict=True)]
    return KINDS[sums.index(max(sums))]

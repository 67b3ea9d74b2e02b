"""Shared by all measures: new mailboxes, rows of the tables, percentiles."""

import math
from collections.abc import Sequence

import httpx
from support.harness import Pair


class Lost(Exception):
    """An acknowledged message did not arrive, or arrived twice."""


def make_mailboxes(pair: Pair, count: int) -> list[str]:
    """Create mailboxes and return their addresses."""
    with httpx.Client(base_url=pair.http_url, timeout=30) as http:
        return [
            str(http.post("/api/temporary-address").raise_for_status().json()["temp_email_addr"]) for _ in range(count)
        ]


def row(label: str, *cells: str | float) -> str:
    """A row of a table; a row with numbers is indented below its heading."""
    indent = "" if all(isinstance(cell, str) for cell in cells) else "  "
    return f"{indent + label:<34}" + "".join(
        f"{cell:>13}" if isinstance(cell, str) else f"{cell:>13.{0 if cell >= 100 else 2}f}" for cell in cells
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that is at least as large as `percent` percent of them."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]

"""The samples of a page of metrics, as prometheus-client reads them."""

import urllib.request
from typing import TypeAlias

from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

# By the name, and the values of the labels in the order of the labels' names.
Samples: TypeAlias = dict[tuple[str, ...], float]


def read(url: str) -> Samples:
    """The samples of the page at this address."""
    request = urllib.request.Request(url, headers={"Accept": "application/openmetrics-text"})
    with urllib.request.urlopen(request) as response:
        return samples(response.read().decode(), is_openmetrics=True)


def samples(page: str, *, is_openmetrics: bool) -> Samples:
    """The samples of a page in OpenMetrics or in the older text format; an invalid page raises ValueError."""
    parser = openmetrics_parser if is_openmetrics else text_parser
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in parser.text_string_to_metric_families(page)
        for each in family.samples
    }


def growth(before: Samples, after: Samples) -> Samples:
    """The counters that have grown, by how much; without sums of seconds, and the buckets of histograms."""
    return {
        key: after[key] - number
        for key, number in before.items()
        if key[0].endswith(("_total", "_count")) and after[key] != number
    }

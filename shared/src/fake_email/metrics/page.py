"""The page of metrics, in the format that the client asks for: OpenMetrics, or the older text of Prometheus.

Loading prometheus-client takes 45 ms and 1.5 MB, so only the server of the page loads this module.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CollectorRegistry, CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from fake_email.metrics.numbers import Description, Numbers


class _Numbers(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def render(metrics: Sequence[Description], numbers: Sequence[Numbers], *, accept: str) -> tuple[str, bytes]:
    """The media type and the page, for the Accept field of the request."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers([_family(*each) for each in zip(metrics, numbers, strict=True)]))
    encode, media_type = choose_encoder(accept)
    return media_type, encode(registry)


def _family(metric: Description, numbers: Numbers) -> Metric:
    if metric.kind == "histogram":
        *counts, total = numbers
        bounds = [*(str(float(bound)) for bound in metric.bounds), "+Inf"]
        buckets = [*zip(bounds, accumulate(counts), strict=True)]
        return HistogramMetricFamily(metric.name, metric.text, buckets=buckets, sum_value=total)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.text, labels=metric.labels)
    for values, number in zip(metric.series, numbers, strict=True):
        family.add_metric(values, number)
    return family

"""The page of metrics, as prometheus-client itself reads it."""

import pytest
from support.metrics import samples

from fake_email.metrics import page
from fake_email.metrics.numbers import Description

METRICS = (
    Description(name="a_replies", kind="counter", text="Replies.", labels=("reply",), series=(("250",), ('5"\\\n',))),
    Description(name="a_sessions", kind="gauge", text="Sessions."),
    Description(name="a_seconds", kind="histogram", text="Seconds.", bounds=(0.5, 1)),
)
NUMBERS = [[3.0, 1.0], [2.0], [1.0, 2.0, 4.0, 9.5]]
SAMPLES = {
    ("a_replies_total", "250"): 3.0,
    ("a_replies_total", '5"\\\n'): 1.0,
    ("a_sessions",): 2.0,
    ("a_seconds_bucket", "0.5"): 1.0,
    ("a_seconds_bucket", "1.0"): 3.0,
    ("a_seconds_bucket", "+Inf"): 7.0,
    ("a_seconds_count",): 7.0,
    ("a_seconds_sum",): 9.5,
}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
        ("text/plain;version=0.0.4", "text/plain"),
        ("", "text/plain"),
    ],
)
def test_the_page_has_the_numbers_in_the_format_that_the_client_accepts(accept: str, media_type: str) -> None:
    given, octets = page.render(METRICS, NUMBERS, accept=accept)

    assert given.partition(";")[0] == media_type
    assert samples(octets.decode(), is_openmetrics="openmetrics" in media_type) == SAMPLES

"""The process rests so that it takes half of one core."""

from smtp_ingest.authentication.half_core import HalfCore


def test_a_short_burst_needs_no_rest() -> None:
    half_core = HalfCore(now=100, cpu=5)

    assert half_core.rest_seconds(now=100.9, cpu=5.9) == 0


def test_work_without_an_end_takes_half_of_the_time() -> None:
    half_core = HalfCore(now=100, cpu=5)
    now, cpu = 100.0, 5.0

    for _ in range(1_000):
        now, cpu = now + 0.1, cpu + 0.1
        now += half_core.rest_seconds(now=now, cpu=cpu)

    assert 0.49 < (cpu - 5) / (now - 100) < 0.51


def test_rest_is_not_saved_up() -> None:
    half_core = HalfCore(now=0, cpu=0)
    half_core.rest_seconds(now=1_000, cpu=0)

    assert half_core.rest_seconds(now=1_001, cpu=1) == 0
    assert half_core.rest_seconds(now=1_002, cpu=2) > 0

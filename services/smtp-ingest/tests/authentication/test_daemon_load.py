"""The load is the CPU time of the daemon since the sample before."""

from smtp_ingest.authentication.daemon_load import DaemonLoad


def test_the_load_is_high_while_the_daemon_takes_much_of_a_core() -> None:
    load = DaemonLoad(now=100, cpu=5)

    seen = []
    for now, cpu in ((100.25, 5.05), (100.5, 5.15), (100.75, 5.35), (101, 5.36)):
        load.sample(now=now, cpu=cpu)
        seen.append(load.is_high)

    assert seen == [False, True, True, False]

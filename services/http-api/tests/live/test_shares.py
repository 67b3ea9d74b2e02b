"""The shared resources: light work has its own part of each."""

from http_api.live.shares import CLIENT_ANSWER_OCTETS, CONNECTIONS, LIGHT_OCTETS, Shares
from http_api.protocol.client_address import Client

HEAVY_OCTETS = LIGHT_OCTETS + 1


def client(number: int) -> Client:
    return Client(address=f"192.0.2.{number}", network=number, is_trusted=False)


HOSTILE, OTHER = [client(number) for number in range(1, 101)], client(101)


def test_a_light_answer_has_memory_while_heavy_answers_hold_all_of_theirs() -> None:
    shares = Shares()
    for each in HOSTILE:
        shares.memory_for(CLIENT_ANSWER_OCTETS).take_now(each, CLIENT_ANSWER_OCTETS)

    assert shares.memory_for(HEAVY_OCTETS).take_now(OTHER, HEAVY_OCTETS) is None
    assert shares.memory_for(LIGHT_OCTETS).take_now(OTHER, LIGHT_OCTETS) is not None


def test_a_client_with_much_that_is_light_takes_of_the_memory_for_heavy_answers_while_there_is_some() -> None:
    shares = Shares()

    assert [shares.take_memory_now(OTHER, LIGHT_OCTETS) is not None for _ in range(18)] == [True] * 17 + [False]


def test_a_light_read_has_a_connection_while_heavy_reads_have_all_of_theirs() -> None:
    shares = Shares()
    for each in HOSTILE:
        shares.connections_for(HEAVY_OCTETS).take_now(each)

    assert shares.connections_for(HEAVY_OCTETS).take_now(OTHER) is None
    assert shares.connections_for(LIGHT_OCTETS).take_now(OTHER) is not None
    assert shares.stream_connections.take_now(OTHER) is not None


def test_look_ups_have_a_connection_while_clients_have_all_of_theirs() -> None:
    shares = Shares()
    for resource in (shares.database_connections, shares.heavy_connections, shares.stream_connections):
        for each in HOSTILE:
            while resource.take_now(each):
                pass
    taken = (shares.database_connections, shares.heavy_connections, shares.stream_connections)

    assert sum(each.units_held for each in taken) < CONNECTIONS

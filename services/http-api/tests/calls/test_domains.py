"""GET /api/domains: the domains that addresses can have."""

import httpx
from support.harness import DOMAINS


async def test_the_domains_are_those_that_receive_mail(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/domains")

    assert answer.status_code == 200
    assert answer.json() == {
        "domains": list(DOMAINS),
        "default": DOMAINS[0],
        "smtp": {"host": DOMAINS[0], "port": 25},
    }

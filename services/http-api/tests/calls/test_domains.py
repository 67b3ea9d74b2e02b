"""GET /api/domains: what may stand behind the @."""

import httpx
from support.harness import DOMAINS


async def test_the_domains_are_those_that_mail_is_taken_for(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/domains")

    assert answer.status_code == 200
    assert answer.json() == {"domains": list(DOMAINS), "default": DOMAINS[0]}

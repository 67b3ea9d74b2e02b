"""The page while http-api is away: the status is true, and nothing is missed."""

from support.content import message
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.visitor import Visitor


async def test_a_restart_of_the_api_is_told_and_loses_nothing(visitor: Visitor, api: Pair, smtp: SmtpClient) -> None:
    address = await visitor.address()
    api.services[-1].kill()
    await visitor.sees("No connection to the API")
    await smtp.deliver(message("Sent meanwhile"), address)

    api.start_http()

    await visitor.sees("Sent meanwhile")
    await visitor.is_so("document.querySelector('.status.live')")

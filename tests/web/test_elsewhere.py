"""What another client deletes, on the open page."""

import httpx
from support.content import message
from support.smtp_client import SmtpClient
from support.visitor import Visitor, deliver, stored


async def delete(visitor: Visitor, http: httpx.AsyncClient, subject: str) -> None:
    """Delete the message with this subject by the API, as another client."""
    [found] = [each for each in await stored(visitor, http) if each["subject"] == subject]
    token = await visitor.token()
    response = await http.delete(f"/api/messages/{found['id']}", headers={"Authorization": f"Bearer {token}"})
    assert response.is_success


async def test_an_open_message_that_is_deleted_says_so_and_offers_the_next_one(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    await deliver(visitor, smtp, message("Older"), message("Goes"), message("Newer"))
    await visitor.sees("Newer")
    await visitor.opens("Goes")

    await delete(visitor, http, "Goes")

    await visitor.is_so("document.querySelector('article [role=alert] p')?.textContent === 'This message is deleted.'")
    await visitor.sees("Goes")
    await visitor.click("Next message")
    await visitor.is_so("document.querySelector('#subject')?.textContent === 'Older'")
    await visitor.is_so("!document.querySelector('article [role=alert]')")


async def test_a_message_that_is_deleted_leaves_what_a_search_found(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    await deliver(visitor, smtp, message("Stays here"), message("Goes away"))
    await visitor.sees("Goes away")
    await visitor.presses("/")
    await visitor.types("subject:away")
    await visitor.is_so("document.querySelectorAll('[data-message]').length === 1")

    await delete(visitor, http, "Goes away")

    await visitor.sees("No mail is found")

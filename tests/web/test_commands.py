"""The command palette and the list of keys."""

from support.content import message
from support.smtp_client import SmtpClient
from support.visitor import Visitor, deliver


async def test_the_palette_runs_the_command_that_is_typed(visitor: Visitor) -> None:
    await visitor.presses("k", control=True)
    await visitor.is_so("document.activeElement?.role === 'combobox'")

    await visitor.types("dark")
    await visitor.presses("Enter")

    await visitor.is_so("document.documentElement.dataset.theme === 'dark'")
    await visitor.is_so("!document.querySelector('dialog[open]')")


async def test_the_palette_finds_messages_and_arrows_choose(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, message("Invoice of May"), message("Invoice of June"))
    await visitor.sees("Invoice of June")
    await visitor.click("All commands")
    await visitor.is_so("document.activeElement?.role === 'combobox'")

    await visitor.types("invoice")
    await visitor.is_so("document.querySelectorAll('[role=option]').length === 2")
    await visitor.presses("ArrowDown")
    await visitor.is_so("document.querySelector('[aria-selected=true][role=option]').textContent.includes('May')")
    await visitor.presses("Enter")

    await visitor.is_so("document.querySelector('#subject')?.textContent === 'Invoice of May'")


async def test_the_palette_goes_to_another_mailbox(visitor: Visitor) -> None:
    first = await visitor.address()
    await visitor.click("New")
    await visitor.is_so(f"document.querySelector('.address').textContent !== '{first}'")
    await visitor.click("All commands")
    await visitor.is_so("document.activeElement?.role === 'combobox'")

    await visitor.types(first)
    await visitor.presses("Enter")

    await visitor.is_so(f"document.querySelector('.address').textContent === '{first}'")


async def test_a_question_mark_shows_all_keys(visitor: Visitor) -> None:
    await visitor.presses("?")

    await visitor.is_so("document.querySelector('dialog[open]')?.ariaLabel === 'Keys'")
    await visitor.sees("Mark as unread")


async def test_a_dialog_that_closes_leaves_the_next_one_open(visitor: Visitor) -> None:
    await visitor.presses("?")
    await visitor.is_so("document.querySelector('dialog[open]')?.ariaLabel === 'Keys'")

    await visitor.value("document.querySelector('dialog').close(); document.querySelector('[title=Settings]').click()")

    await visitor.is_so("document.querySelector('dialog[open]')?.ariaLabel === 'Settings'")
    assert await visitor.value(
        "new Promise(requestAnimationFrame).then(() => document.querySelectorAll('dialog').length)"
    )

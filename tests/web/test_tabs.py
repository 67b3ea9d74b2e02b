"""Several tabs of the page in one browser, which share its mailboxes."""

from support.browser import Browser
from support.visitor import Visitor


async def forget(visitor: Visitor) -> None:
    await visitor.click("Settings")
    await visitor.click("Forget everything")
    await visitor.click("Yes, forget everything")


async def test_a_tab_makes_an_address_when_another_forgets_everything_and_closes(
    visitor: Visitor, browser: Browser
) -> None:
    before = await visitor.address()
    async with browser.second_tab() as tab:
        other = Visitor(tab, visitor.url)
        await other.visit()
        # This tab ends before it has an address of its own.
        await tab.call("Network.setBlockedURLs", urls=["*/api/temporary-address"])
        await forget(other)

    await visitor.is_so(f"![null, undefined, '{before}'].includes(document.querySelector('.address')?.textContent)")
    await visitor.is_so("document.querySelector('.status.live')")


async def test_tabs_that_forget_everything_make_one_address_for_all_of_them(visitor: Visitor, browser: Browser) -> None:
    before = await visitor.address()
    async with browser.second_tab() as tab:
        other = Visitor(tab, visitor.url)
        await other.visit()
        await forget(other)

        for each in (visitor, other):
            await each.is_so(
                f"![null, undefined, '{before}'].includes(document.querySelector('.address')?.textContent)"
            )
        assert await visitor.address() == await other.address()
        assert await visitor.value("JSON.parse(localStorage['fake-email.mailboxes']).length") == 1

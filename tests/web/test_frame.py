"""The HTML of a message in its frame: its height, its width, its colours, and images from other hosts."""

from support.browser import Browser
from support.smtp_client import SmtpClient
from support.visitor import CODE, Visitor, deliver
from support.waiting import until

_HTML = b"From: Ann <ann@shop.test>\r\nSubject: News\r\nContent-Type: text/html\r\n\r\n"
_IMAGES = _HTML + b"<p>Hi</p><img src='http://img.test/a.png'><img src='http://img.test/b.png'>\r\n"
_FRAME = "document.querySelector('iframe')"


async def test_a_long_mail_makes_its_frame_as_high_as_the_mail(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, _HTML + b"<div style='height:2345px'>Long</div>\r\n")

    await visitor.opens("News")

    await visitor.is_so(f"{_FRAME}?.offsetHeight >= 2345 && {_FRAME}.offsetHeight < 2445")


async def test_a_mail_that_is_higher_than_its_frame_does_not_grow_for_ever(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, _HTML + b"<div style='height:100vh;padding:50vh 0'>Grow</div>\r\n")

    await visitor.opens("News")

    await visitor.is_so(f"{_FRAME}?.style.height")
    await visitor.is_so(f"{_FRAME}.offsetHeight <= 20000")
    assert await visitor.value("document.title") == "fake-email"


async def test_the_mail_turns_dark_with_the_page_and_back_on_demand(visitor: Visitor, smtp: SmtpClient) -> None:
    is_dark = "document.documentElement.hasAttribute('data-fake-email-dark')"
    await visitor.colours("dark")
    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")
    await visitor.tab.wait_for(is_dark, {"True": 1, "False": 1})

    await visitor.click("Colours as they were sent")

    await visitor.tab.wait_for(is_dark, {"False": 2})


async def test_a_dark_page_is_printed_in_light_colours_without_its_list(visitor: Visitor, smtp: SmtpClient) -> None:
    await visitor.colours("dark")
    await visitor.value("document.documentElement.dataset.theme = 'dark'")
    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")
    turned = "getComputedStyle(document.documentElement).filter !== 'none'"
    await visitor.tab.wait_for(turned, {"True": 1, "False": 1})

    await visitor.tab.call("Emulation.setEmulatedMedia", media="print")

    await visitor.tab.wait_for(turned, {"False": 2})
    await visitor.is_so("getComputedStyle(document.documentElement).colorScheme === 'light'")
    await visitor.is_so("!document.querySelector('aside').checkVisibility()")
    await visitor.tab.call("Emulation.setEmulatedMedia", media="")


async def test_the_frame_takes_the_width_of_a_phone(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")

    await visitor.click("Width of a phone")

    await visitor.tab.wait_for("innerWidth === 375", {"True": 1, "False": 1})


async def test_a_mail_that_was_made_for_a_desk_is_made_smaller_for_a_phone_and_large_again(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, _HTML + b"<table width=600><tr><td height=400>Wide</table>\r\n")
    await visitor.opens("News")
    await visitor.is_so(f"{_FRAME}?.offsetHeight >= 400")

    await visitor.click("Width of a phone")

    await visitor.tab.wait_for("innerWidth === 375", {"True": 1, "False": 1})
    await visitor.is_so(f"{_FRAME}.offsetHeight < 300")
    overflows = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    await visitor.tab.wait_for(overflows, {"False": 2})

    await visitor.click("All of the width")

    await visitor.is_so(f"{_FRAME}.offsetHeight >= 400")


async def test_images_from_other_hosts_are_counted_and_loaded_once_on_demand(
    visitor: Visitor, smtp: SmtpClient, browser: Browser
) -> None:
    await deliver(visitor, smtp, _IMAGES)
    await visitor.opens("News")
    await visitor.sees("2 images from other hosts are not loaded")
    assert not [url for url in visitor.tab.requests if "img.test" in url]

    await visitor.click("Show once")

    await visitor.sees("Images from other hosts are loaded")
    await visitor.tab.wait_for("document.images.length", {"2": 1, "0": 1})
    wanted = {"http://img.test/a.png", "http://img.test/b.png"}
    await until(lambda: {url for url in visitor.tab.requests if "img.test" in url} == wanted)


async def test_images_of_a_trusted_sender_are_loaded_in_this_mailbox_until_the_trust_ends(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, _IMAGES, _IMAGES.replace(b"News", b"More news"))
    await visitor.opens("News")
    await visitor.click("Always from Ann")

    await visitor.visit()
    await visitor.opens("More news")
    await visitor.sees("Images in mail from Ann are always loaded")
    await visitor.click("No longer")

    await visitor.sees("2 images from other hosts are not loaded")


async def test_a_mail_without_images_from_other_hosts_has_no_banner(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, CODE)

    await visitor.opens("Confirm your sign-up")

    await visitor.is_so(f"{_FRAME}?.style.height")
    await visitor.sees_no("from another host")


async def test_a_mail_that_is_wider_than_its_frame_scrolls_in_one_direction_only(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, _HTML + b"<div style='width:3000px;height:400px'>Wide</div>\r\n")

    await visitor.opens("News")

    root = "document.documentElement"
    await visitor.tab.wait_for(
        f"{root}.scrollWidth >= 3000 && {root}.clientWidth === innerWidth", {"True": 1, "False": 1}
    )

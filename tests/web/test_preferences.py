"""The page follows the settings of the system: fewer movements, colours of its own, right to left."""

import json

import pytest
from support.smtp_client import SmtpClient
from support.visitor import CODE, Visitor, deliver

_AXE = """axe.run(document, { iframes: false }).then(({ violations }) =>
    JSON.stringify(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])))"""
# Elements that reach out of the window, but for those that something clips or that are hidden from sight.
_OUTSIDE = """(() => {
    const clips = (each) => getComputedStyle(each).overflowX !== "visible"
    const isClipped = (each) => each && (clips(each) || isClipped(each.parentElement))
    return JSON.stringify([...document.querySelectorAll("body *")].filter((each) => {
        const { left, right, width, height } = each.getBoundingClientRect()
        const isOutside = width > 1 && height > 1 && (left < -1 || right > innerWidth + 1)
        return isOutside && each.checkVisibility() && !isClipped(each)
    }).map((each) => each.outerHTML.slice(0, 120)))
})()"""


async def prefer(visitor: Visitor, name: str, value: str) -> None:
    await visitor.tab.call("Emulation.setEmulatedMedia", features=[{"name": name, "value": value}])


async def accessible(visitor: Visitor, axe: str) -> object:
    await visitor.value(f"(() => {{ {axe} }})()")
    await visitor.is_still()
    return json.loads(str(await visitor.value(_AXE)))


@pytest.fixture
async def reader(visitor: Visitor, smtp: SmtpClient) -> Visitor:
    """A person with a message that is open."""
    await deliver(visitor, smtp, CODE, CODE.replace(b"sign-up", b"other sign-up"))
    await visitor.click("Unread: Confirm your sign-up")
    await visitor.is_so("document.querySelector('iframe')")
    return visitor


async def test_with_reduced_motion_nothing_moves_when_mail_arrives(visitor: Visitor, smtp: SmtpClient) -> None:
    await prefer(visitor, "prefers-reduced-motion", "reduce")

    await deliver(visitor, smtp, CODE)
    await visitor.is_so("document.querySelectorAll('[data-message]').length === 1")

    assert await visitor.value("document.getAnimations().length") == 0
    moving = """[...document.querySelectorAll("*")].filter((each) => {
        const { animationName, transitionDuration } = getComputedStyle(each)
        return animationName !== "none" || transitionDuration !== "0s"
    }).length"""
    assert await visitor.value(moving) == 0


async def test_with_forced_colours_what_only_a_colour_showed_has_a_border(reader: Visitor, axe: str) -> None:
    await prefer(reader, "forced-colors", "active")
    await reader.is_so("matchMedia('(forced-colors: active)').matches")

    flat = """[...document.querySelectorAll(".button, .chip, li:has([data-message][aria-current])")]
        .filter((each) => each.checkVisibility())
        .filter((each) => {
            const { borderTopStyle, outlineStyle } = getComputedStyle(each)
            return borderTopStyle === "none" && outlineStyle === "none"
        }).map((each) => each.outerHTML.slice(0, 120))"""
    assert json.loads(str(await reader.value(f"JSON.stringify({flat})"))) == []
    assert await accessible(reader, axe) == []


async def test_with_forced_colours_a_choice_is_told_from_the_others(reader: Visitor) -> None:
    await prefer(reader, "forced-colors", "active")
    colours = """(chosen, other) => [chosen, other].map((each) =>
        getComputedStyle(document.querySelector(each)).backgroundColor)"""

    tabs = f"({colours})('[role=tab][aria-selected=true]', '[role=tab][aria-selected=false]')"
    await reader.is_so(f"new Set({tabs}).size === 2")
    await reader.click("Settings")
    await reader.is_so("document.querySelector('dialog[open] fieldset')")
    choices = f"({colours})('fieldset label:has(:checked)', 'fieldset label:not(:has(:checked))')"
    await reader.is_so(f"new Set({choices}).size === 2")


@pytest.mark.parametrize("width", [1280, 390])
async def test_from_right_to_left_nothing_reaches_out_of_the_window(reader: Visitor, axe: str, width: int) -> None:
    await reader.resize(width, 800)

    await reader.value("document.documentElement.dir = 'rtl'")

    await reader.is_so("document.documentElement.scrollWidth <= innerWidth")
    assert json.loads(str(await reader.value(_OUTSIDE))) == []
    assert await accessible(reader, axe) == []
    if width == 1280:
        # The list is on the side where reading begins.
        sides = "[...document.querySelectorAll('aside, main')].map((each) => each.getBoundingClientRect().left)"
        aside, main = json.loads(str(await reader.value(f"JSON.stringify({sides})")))
        assert aside > main


async def test_from_right_to_left_an_address_still_begins_with_its_name(visitor: Visitor) -> None:
    await visitor.value("document.documentElement.dir = 'rtl'")

    left = "document.querySelector('.address .{}').getBoundingClientRect().left"
    await visitor.is_so(f"{left.format('name')} < {left.format('domain')}")


async def test_a_language_whose_words_cannot_be_loaded_leaves_the_page_in_english(visitor: Visitor) -> None:
    await visitor.value("localStorage['fake-email.language'] = 'de'")
    await visitor.tab.call("Network.setBlockedURLs", urls=["*words-de-first*"])

    await visitor.visit()

    await visitor.sees("Waiting for mail")
    await visitor.tab.call("Network.setBlockedURLs", urls=[])

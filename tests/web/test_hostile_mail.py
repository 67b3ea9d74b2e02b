"""Mail that attacks its reader does nothing to the page: not in the list, not when it is opened."""

import pytest
from support.attacks import ATTACKS
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.visitor import Visitor, deliver

# A message of the list at once; the rest of a long list is asked for.
AT_ONCE = 40


def hostile(html: str) -> bytes:
    """A message that has the attack wherever the page shows something of it."""
    line = " ".join(html.split())[:400]
    html = html.replace("\n", "\r\n")
    return (
        f'From: "{line}" <x@evil.test>\r\nSubject: {line}\r\nMIME-Version: 1.0\r\n'
        "Content-Type: multipart/mixed; boundary=-b\r\n\r\n"
        f"---b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n"
        f'---b\r\nContent-Disposition: attachment; filename="{line[:100]}.txt"\r\n\r\n{line}\r\n---b--\r\n'
    ).encode()


@pytest.mark.timeout(600)  # of a busy machine
async def test_every_attack_is_listed_and_opened_and_nothing_happens(visitor: Visitor, pair: Pair) -> None:
    url = await visitor.value("location.href")
    keys = await visitor.value("Object.keys(localStorage).sort().join()")
    attacks = list(ATTACKS.values())
    for start in range(0, len(attacks), AT_ONCE):
        some = attacks[start : start + AT_ONCE]
        newest = await visitor.value("document.querySelector('[data-message]')?.dataset.message ?? ''")
        # A session of its own: to open them all may take longer than a session may be idle.
        async with SmtpClient.connect(pair.smtp_port) as smtp:
            await deliver(visitor, smtp, *map(hostile, some))
        # A long list is drawn in pieces, so the rows are not counted: those before are behind the new ones.
        after = f"document.querySelectorAll('[data-message]')[{len(some)}]"
        await visitor.is_so(
            f"{after}?.dataset.message === '{newest}'"
            if newest
            else f"document.querySelectorAll('[data-message]').length === {len(some)}"
        )
        # The newest of them, one after the other.
        await visitor.value("document.activeElement.blur()")
        opened = "document.querySelector('[data-message][aria-current]')?.dataset.message"
        for at in range(len(some)):
            wanted = await visitor.value(f"document.querySelectorAll('[data-message]')[{at}].dataset.message")
            await visitor.value(f"document.querySelectorAll('[data-message]')[{at}].click()")
            await visitor.is_so(f"{opened} === '{wanted}' && document.querySelector('#subject')")

    assert visitor.tab.dialogs == []
    assert visitor.tab.popups == []
    assert [each for each in visitor.tab.requests if "evil.test" in each] == []
    assert [each for each in visitor.tab.frames if "evil.test" in each] == []
    assert await visitor.value("location.href") == url
    assert await visitor.value("document.title.replace(/^\\(\\d+\\) /, '')") == "fake-email"
    assert await visitor.value("Object.keys(localStorage).sort().join()") == keys

"""The links of a message, each once, and the kind of each: what it is for."""

import itertools
from collections.abc import Callable, Sequence

from fake_email.findings import bare_urls, link_features, link_score, link_words, wrapped_links
from fake_email.findings.link_features import Found
from fake_email.html import anchors
from fake_email.parsed_message import Link

LINKS = 100  # of one message
CHARACTERS = 256 * 1024  # of the HTML, and of the text, read

_LINKS_AT_ONCE = 16  # the clock is read in between, and after the first
_OCCURRENCES = 2_000  # read in one message, many of them of the same URL
_OF_MAIL = "mMtT"  # the first letters of URLs that lead to no page: mailto, tel


def find(
    markup: str | None,
    text: str,
    subject: str = "",
    tags: Sequence[anchors.Tag] | None = None,
    is_over: Callable[[], bool] = lambda: False,
    *,
    has_code: bool = False,
) -> tuple[Link, ...]:
    """The links of HTML and text, in their order, LINKS at most, in time linear in CHARACTERS.

    `tags` are for `anchors`. When the time `is_over`, no more than one is looked for. `has_code` is true for a message
    with a code to type, which is seldom about a link.
    """
    if markup is None and "://" not in text:
        return ()
    found = read(markup, text, tags, is_over)
    links = [
        Link(
            url=link.url,
            text=link.text,
            kind=link_score.kind(features) if features else "other",
            target=link.target if link.target != link.url else None,
        )
        for link, features in link_features.weigh(subject, found, has_code=has_code)
    ]
    return tuple(link for link in links if link.kind == "unsubscribe" or link.url[0] not in _OF_MAIL)


def read(
    markup: str | None,
    text: str,
    tags: Sequence[anchors.Tag] | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> list[Found]:
    """The links of HTML and text, each once, where it first has a text."""
    found: dict[str, Found] = {}
    if markup is not None:
        tags = tags if len(markup) <= CHARACTERS else None
        markup = markup[:CHARACTERS]
        for url, words, start in itertools.islice(anchors.read(markup, tags), _OCCURRENCES):
            if len(found) == LINKS or (len(found) % _LINKS_AT_ONCE == 1 and is_over()):
                break
            if url[0] in _OF_MAIL and not link_words.ends_mail(words):
                continue
            if url not in found or not found[url].text:
                found[url] = Found(url, wrapped_links.target(url) or url, words, markup, start, is_bare=False)
    text = text[:CHARACTERS]
    # Rendered HTML has its links again.
    for url, start in itertools.islice(bare_urls.find(text, found if markup else ()), _OCCURRENCES):
        if len(found) == LINKS or (len(found) % _LINKS_AT_ONCE == 1 and is_over()):
            break
        if url not in found:
            words = url[: anchors.TEXT_CHARACTERS]
            found[url] = Found(url, wrapped_links.target(url) or url, words, text, start, is_bare=True)
    return list(found.values())

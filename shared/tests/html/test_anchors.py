"""Links are read with the tags that rendering found as they are without them."""

import pytest

from fake_email.html import anchors
from fake_email.html import text as html_text

_LINK = "<a href='https://x.test/a'>A</a>"


@pytest.mark.parametrize(
    "markup",
    [
        f'{_LINK}<a href="https://x.test/b?c=1&amp;d=2">B &amp; b</a><area href=/c alt=C>',
        f"<base href=https://base.test/d/>{_LINK}<a href=e>E <img alt=e src=e.png></a>",
        f"<body><div style='display:none'>Preheader</div>{_LINK}<img style='display:none' src=p.png>{_LINK}",
        f"<div style='display:none'>{_LINK}</div><a href=https://x.test/b>B</a>",
        f"<div style='display:none'>{_LINK}<a href=https://x.test/b>B</a>",
        f"<a href=https://x.test/b><span style='display:none'></a>{_LINK}<div style='display:none'>x</div>{_LINK}",
        f"<a href=https://x.test/b>1 < 2</a><a href=https://x.test/c>C{_LINK}<a style='display:none' href=/h>H</a>",
        f"<svg>{_LINK}</svg><title>{_LINK}</title><select>{_LINK}<!-- {_LINK} -->{'<div>' * 300}{_LINK}",
        f"<a href='javascript:x'>J</a><a href=tel:1>T</a><a>N</a><a href='#x'>F</a>{'<b>' * 9}{_LINK}",
    ],
)
def test_the_tags_that_rendering_finds_give_the_same_links(markup: str) -> None:
    assert list(anchors.read(markup, html_text.read(markup).link_tags)) == list(anchors.read(markup))


def test_links_that_may_be_hidden_are_not_taken_from_rendering() -> None:
    assert html_text.read(f"<body><div style='display:none'>Preheader</div>{_LINK}").link_tags is not None
    assert html_text.read(f"<div style='display:none'>{_LINK}</div>").link_tags is None

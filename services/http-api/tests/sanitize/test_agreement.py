"""The text and the links of a mail have what its sanitized page shows, and the page shows what the HTML Standard says.

The judge of the standard is html5ever, the parser inside nh3.
"""

import re
from html.parser import HTMLParser

import nh3
from hypothesis import given
from hypothesis import strategies as st

from fake_email.findings import links
from fake_email.html import text as html_text
from http_api.sanitize import page as sanitized_page

HIDING = ["display:none", "DISPLAY : None!important", "visibility:hidden", "opacity:0", "max-height:0;overflow:hidden"]
SHOWING = [
    "display:inline",
    "visibility:visible",
    "color:red",
    "font:'a;display:none'",
    "opacity:.5",
    "display:none\\9",
]
SIZES = ["font-size:0", "font:0px/0 a", "font-size:12px", "font:bold 9pt a"]
NAMES = ["div", "span", "p", "b", "td", "tr", "table", "ul", "li", "a", "form", "h1", "dt", "x-y", "pre", "center"]
# A style sheet may show what the style of an element hides: the text then has all of it.
NOT_CLOSED = {"<noscript>", "<style>a{}</style>"}
WORD = re.compile(r"w[0-9]+w")
VOID = {"area", "br", "col", "hr", "img", "wbr"}

attributes = st.one_of(
    st.just(""),
    st.sampled_from(HIDING + SHOWING + SIZES).map(lambda style: f' style="{style}"'),
    st.sampled_from([" hidden", " title='a > b'", " =a", " a=b'", ' title="<b>"', " x='<!--'", "/", " a==b", " a=''b"]),
)
starts = st.tuples(st.sampled_from(NAMES), attributes).map(lambda tag: f"<{tag[0]}{tag[1]}>")
ends = st.sampled_from(NAMES).map(lambda name: f"</{name}>")
odd = st.sampled_from(
    [
        *("<!-- <p> -->", "<!-->", "<!--->", "<!-- --!>", "<!---->", "<!----!>", "<!x '>", "<?x>", "</>", "</ x>", "<"),
        *("<style>a{}</style>", "<script><b></script>", "<title>t</title >", "<svg><p>s</svg>", "<svg/>", "< a", "<1"),
        *(
            "<template>u</template>",
            "<noscript>",
            "<br/>",
            "<hr>",
            "<image>",
            "<img alt=i>",
            "&notit;&amp;&#x26;",
            "=>",
        ),
    ]
)
words = st.integers(0, 10_000).map(lambda number: f" w{number}w ")
hrefs = st.sampled_from(
    [
        *("https://x.test/{}", " https://x.test/\n{} ", "//x.test/{}", "{}", "https://x.test/?a={}&region=1&copy=2"),
        *(
            "https://x.test/{} b",
            "https://x.te\u200bst/{}\u200b",
            "https:\\\\x.test\\{}",
            "mailto:{}@x.test",
            "\u200bhttp:{}",
        ),
        *("https:///{}", "ftp://x.test/{}", "javascript:{}", "HTTP://x.test/{}&amp;b"),
    ]
)
anchors = st.tuples(st.integers(0, 10_000), hrefs).map(lambda one: f'<a href="{one[1].format(one[0])}">w{one[0]}w</a>')
areas = st.tuples(st.integers(0, 10_000), hrefs).map(lambda one: f'<area alt=w href="{one[1].format(one[0])}">')
bases = st.sampled_from(["<base href=https://base.test/a/>", "<base target=_blank>", "<base href=relative>"])
loose = st.lists(st.one_of(starts, ends, odd, words, anchors, areas, bases), max_size=30).map("".join)


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    element = st.tuples(st.sampled_from(["div", "span", "x-y", "center", "section"]), attributes, inner)
    return st.lists(element.map(lambda of: f"<{of[0]}{of[1]}>{of[2]}</{of[0]}>"), max_size=3).map("".join)


well_nested = st.recursive(st.one_of(words, anchors, odd.filter(lambda one: one not in NOT_CLOSED)), nested)


class Shown(HTMLParser):
    """The words and the targets of links that a browser shows of well-formed HTML."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.targets: set[str] = set()
        self.open: list[tuple[bool, bool, bool]] = [(False, False, False)]
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        style = of.get("style", "").lower().replace(" ", "")
        gone, invisible, small = self.open[-1]
        gone |= "hidden" in of and "display" not in style
        gone |= any(each in style for each in ("display:none", "opacity:0", "max-height:0")) and "'" not in style
        invisible = "visibility:hidden" in style or (invisible and "visibility:visible" not in style)
        sizes = {"font-size:0": True, "font:0px/0a": True, "font-size:12px": False, "font:bold9pta": False}
        small = next((value for name, value in sizes.items() if name in style), small)
        if of.get("href") and not (gone or invisible):
            self.targets.add(of["href"])
        if tag not in VOID:
            self.open.append((gone, invisible, small))

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.open[-1]):
            self.words += WORD.findall(data)


def shown(html: str) -> Shown:
    page = sanitized_page.page(html, {}, remote=False).text
    return Shown(page[page.index("<body") :].removesuffix("</body></html>\n") + "</body>")


@given(loose)
def test_the_text_and_the_links_have_what_the_page_shows(html: str) -> None:
    page = shown(html)

    text = html_text.render(html)
    listed = {link.url for link in links.find(html, "")}

    assert set(page.words) <= set(WORD.findall(text))
    assert {url for url in page.targets if url not in text and not url.startswith("mailto:")} == set()
    assert {url for url in page.targets if not url.startswith("mailto:")} <= listed


@given(well_nested)
def test_the_text_and_the_links_of_well_nested_html_are_exactly_what_the_page_shows(html: str) -> None:
    page = shown(html)

    assert page.words == WORD.findall(html_text.render(html))
    assert {url for url in page.targets if url[:4].lower() == "http"} == {link.url for link in links.find(html, "")}


@given(loose)
def test_the_page_shows_the_words_that_the_standard_shows(html: str) -> None:
    cleaner = nh3.Cleaner(tags={"p", "b", "div", "table", "tr", "td"}, clean_content_tags={"style", "script", "title"})
    visible = html.replace("style=", "title=").replace("hidden", "")

    judged = WORD.findall(cleaner.clean(visible))

    assert sorted(shown(visible).words) == sorted(judged)

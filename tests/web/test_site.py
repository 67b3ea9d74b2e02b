"""The pages beside the inbox, without a browser: their paths, links, header fields and files for robots."""

import urllib.error
import urllib.request
from html.parser import HTMLParser
from http.client import HTTPResponse
from pathlib import Path

import page as page_build
import pytest
from page import Site

DOCS = page_build.ROOT / "docs"


class Links(HTMLParser):
    """The links of a page, and the anchors in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.ids: set[str] = set()
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "a":
            self.hrefs.append(values["href"])


def get(url: str) -> HTTPResponse:
    response: HTTPResponse = urllib.request.urlopen(url)
    return response


def text(url: str) -> str:
    with get(url) as response:
        return response.read().decode()


@pytest.fixture(scope="module")
def links(page_url: str, site: Site) -> dict[str, Links]:
    """The links of each page."""
    return {path: Links(text(page_url.rstrip("/") + path)) for path in site["pages"]}


def test_each_guide_is_a_page_and_in_the_list_of_guides(links: dict[str, Links]) -> None:
    guides = {f"/docs/{each.stem}" for each in DOCS.glob("*.md")}

    assert guides <= links.keys()
    assert guides <= set(links["/docs"].hrefs)


def test_each_link_within_the_site_leads_to_a_page_and_its_section(page_url: str, links: dict[str, Links]) -> None:
    dead = set()
    for path, page in links.items():
        for href in page.hrefs:
            target, _, anchor = href.partition("#")
            if not href.startswith(("/", "#")) or target == "/":
                continue
            if (target or path) not in links:
                get(page_url.rstrip("/") + target).close()  # a file
            # The sections of the reference come from the API.
            elif anchor and (target or path) != "/docs/reference" and anchor not in links[target or path].ids:
                dead.add(f"{path}: {href}")
    assert dead == set()


def test_markup_within_the_guides_is_text(links: dict[str, Links]) -> None:
    of_guides = set().union(*(page.tags for path, page in links.items() if path.startswith("/docs/")))

    assert of_guides.isdisjoint({"iframe", "img", "style", "object", "form"})


def test_a_page_has_one_path(page_url: str) -> None:
    with get(f"{page_url}docs/api/") as response:
        assert response.url == f"{page_url}docs/api"
    with pytest.raises(urllib.error.HTTPError) as refused, get(f"{page_url}docs/api.html/"):
        pass

    refused.value.close()
    assert refused.value.code == 404


def test_an_unknown_path_has_a_page_with_the_way_back(page_url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"{page_url}docs/nothing")

    with refused.value as response:
        assert response.code == 404
        assert "/" in Links(response.read().decode()).hrefs
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_shared_mail_is_listed_by_no_search_engine(page_url: str) -> None:
    with get(f"{page_url}share") as response:
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert '<meta name="robots" content="noindex"' in response.read().decode()
    assert "Allow: /share" in text(f"{page_url}robots.txt").splitlines()  # a crawler must read the page to see that


def test_programs_find_their_guide_with_links_to_the_pages(page_url: str) -> None:
    with get(f"{page_url}llms.txt") as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert "](/docs/api)" in response.read().decode()


def test_what_is_built_anew_has_a_new_name_and_is_kept_for_a_year(page_url: str, built: Path) -> None:
    [script] = (built / "assets").glob("reference-*.js")

    with get(f"{page_url}assets/{script.name}") as asset, get(f"{page_url}docs/reference") as page:
        assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert page.headers["Cache-Control"] == "no-cache"

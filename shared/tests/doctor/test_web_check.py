"""The public site and the web pages, by servers of the test with one fault each, and by a real preflight."""

from collections.abc import Mapping

import pytest
from support.harness import free_port
from support.stand_ins import Authority, http_server

from fake_email.doctor import web_check
from fake_email.doctor.finding import Finding
from fake_email.doctor.http_call import Site
from fake_email.doctor.target import Target

API = "api.mx.test"
WELL: Mapping[str, tuple[int, str]] = {"GET /api/health": (200, "")}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def _trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL trusts the authority alone."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))


async def examined(site: Site, *origins: str) -> list[Finding]:
    return await web_check.check(
        Target(domains=("mx.test",), mail_host="mail.mx.test", api=site, http=site, smtp=("::1", 1), origins=origins)
    )


def caddy(port: int) -> Site:
    return Site(url=f"https://{API}", connect_to=("127.0.0.1", port))


def ids(findings: list[Finding]) -> list[str]:
    return [finding.id for finding in findings]


@pytest.mark.parametrize(
    ("host", "days", "responses", "expected"),
    [
        (API, 90, WELL, ["passed", "passed"]),
        (API, 5, WELL, ["https_expires", "passed"]),
        (API, -1, WELL, ["https_invalid"]),
        ("other.test", 90, WELL, ["https_invalid"]),
        (API, 90, {"GET /api/health": (502, "")}, ["passed", "https_not_ready"]),
    ],
)
async def test_certificate_and_health_of_the_public_site_are_checked(
    authority: Authority, host: str, days: int, responses: Mapping[str, tuple[int, str]], expected: list[str]
) -> None:
    with http_server(responses, authority.context(host, days)) as port:
        findings = await examined(caddy(port))

    assert ids(findings) == [*expected, "no_origin"]


async def test_a_site_without_a_certificate_and_one_that_does_not_listen_are_told_apart() -> None:
    with http_server(WELL) as plain:
        no_certificate = await examined(caddy(plain))
    down = await examined(caddy(free_port()))

    assert (no_certificate[0].id, down[0].id) == ("https_no_certificate", "https_down")


async def test_an_origin_that_the_preflight_does_not_allow_is_told_and_a_pattern_has_no_page() -> None:
    with http_server({"GET /": (200, "")}) as page:
        origin = f"http://127.0.0.1:{page}"
        findings = await examined(Site(url=origin), origin, "http://app-*.page.test")

    assert ids(findings) == ["cors_denied", "cors_denied", "passed"]


async def test_a_frontend_that_is_gone_is_told() -> None:
    with http_server(
        {"OPTIONS /api/temporary-address": (204, "")}, headers={"Access-Control-Allow-Origin": "*"}
    ) as port:
        gone = f"http://127.0.0.1:{port}"
        findings = await examined(Site(url=gone), gone)

    assert ids(findings) == ["passed", "frontend_away"]

"""Both services as the doctor sees them: the real ones are well, and servers of the test have one fault each."""

import pytest
from support.harness import Pair, free_port
from support.stand_ins import Authority, http_server, smtp_server

from fake_email.doctor import http_check, smtp_check
from fake_email.doctor.finding import Finding
from fake_email.doctor.http_call import Site
from fake_email.doctor.target import Target
from fake_email.settings import Settings

MAIL = "mail.mx.test"
SETTINGS = Settings(database_url="postgresql:///", domain=("mx.test",))
GREETS = {
    "": "220 mx.test ESMTP fake-email",
    "EHLO": "250-mx.test\r\n250 STARTTLS",
    "STARTTLS": "220 go",
    "QUIT": "221 bye",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def _trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL trusts the authority alone."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))


def target(*, http_port: int = 1, smtp_port: int = 1, settings: Settings | None = SETTINGS) -> Target:
    site = Site(url=f"http://127.0.0.1:{http_port}")
    return Target(
        domains=("mx.test",), mail_host=MAIL, api=site, http=site, smtp=("127.0.0.1", smtp_port), settings=settings
    )


def ids(findings: list[Finding]) -> list[str]:
    return [finding.id for finding in findings]


async def test_services_that_run_are_well_but_offer_no_starttls_without_a_certificate(pair: Pair) -> None:
    running = target(http_port=int(pair.environ["HTTP_PORT"]), smtp_port=pair.smtp_port)

    assert ids(await http_check.check(running)) == ["passed"]
    assert ids(await smtp_check.check(running)) == ["passed", "starttls_missing"]


async def test_a_service_that_does_not_listen_is_down() -> None:
    nobody = target(http_port=free_port(), smtp_port=free_port())

    [http], [smtp] = await http_check.check(nobody), await smtp_check.check(nobody)

    assert (http.id, http.what) == ("http_down", "Connection refused")
    assert (smtp.id, smtp.what) == ("smtp_down", "Connection refused")


async def test_from_another_machine_a_closed_port_may_be_the_fault_of_its_own_network() -> None:
    findings = await smtp_check.check(target(smtp_port=free_port(), settings=None))

    assert ids(findings) == ["port25_closed"]


async def test_http_api_without_its_database_lives_but_is_not_ready() -> None:
    with http_server({"GET /api/health?live": (200, ""), "GET /api/health": (503, "")}) as port:
        findings = await http_check.check(target(http_port=port))

    assert ids(findings) == ["http_not_ready"]


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        (GREETS | {"": "421 4.3.2 too many sessions"}, ["smtp_not_ready"]),
        (GREETS | {"": "220 host.example ESMTP Postfix"}, ["smtp_other_server"]),
        (GREETS | {"STARTTLS": "454 4.7.0 not now"}, ["passed", "starttls_fails"]),
    ],
)
async def test_a_fault_of_the_mail_server_is_found(replies: dict[str, str], expected: list[str]) -> None:
    with smtp_server(replies) as port:
        findings = await smtp_check.check(target(smtp_port=port))

    assert ids(findings) == expected


@pytest.mark.usefixtures("_trusted")
@pytest.mark.parametrize(
    ("host", "days", "problem", "what"),
    [
        (MAIL, 90, "passed", f"TLSv1.3, a certificate for {MAIL} until "),
        (MAIL, 5, "starttls_expires", "the certificate ends on "),
        (MAIL, -1, "starttls_invalid", "certificate has expired"),
        ("other.test", 90, "starttls_invalid", f"Hostname mismatch, certificate is not valid for '{MAIL}'"),
    ],
)
async def test_the_certificate_of_the_mail_host_is_checked(
    authority: Authority, host: str, days: int, problem: str, what: str
) -> None:
    with smtp_server(GREETS, authority.context(host, days)) as port:
        _, starttls = await smtp_check.check(target(smtp_port=port))

    assert starttls.id == problem
    assert starttls.what.startswith(what)


@pytest.mark.usefixtures("_trusted")
async def test_a_certificate_that_caddy_has_renewed_but_nobody_has_copied_is_stale(authority: Authority) -> None:
    old, new = authority.context(MAIL, 5), authority.context(MAIL, 90)
    with smtp_server(GREETS, old) as port, http_server({}, new) as caddy:
        host = target(smtp_port=port)
        with_caddy = Site(url="https://api.mx.test", connect_to=("127.0.0.1", caddy))
        examined = Target(
            domains=host.domains, mail_host=MAIL, api=with_caddy, http=host.http, smtp=host.smtp, is_host=True
        )

        findings = await smtp_check.check(examined)

    assert ids(findings) == ["passed", "starttls_stale", "port25_unknown"]


async def test_a_certificate_of_an_unknown_authority_is_not_valid(authority: Authority) -> None:
    with smtp_server(GREETS, authority.context(MAIL)) as port:
        _, starttls = await smtp_check.check(target(smtp_port=port))

    assert (starttls.id, "unable to get local issuer certificate" in starttls.what) == ("starttls_invalid", True)

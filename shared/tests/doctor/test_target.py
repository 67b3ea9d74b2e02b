"""The installation that is examined: on its host, as `make run` starts it, and from another machine."""

import pytest
from msgspec.structs import replace

from fake_email.doctor import target
from fake_email.settings import Settings

SETTINGS = Settings(database_url="postgresql:///", domain=("a.example", "b.example"))


def test_on_a_host_systemd_has_the_ports_and_caddy_is_on_the_loopback() -> None:
    host = target.of_settings(replace(SETTINGS, http_port=3999, smtp_port=2525), env_file=None, is_host=True)

    assert (host.http.url, host.smtp) == ("http://127.0.0.1:3001", ("127.0.0.1", 25))
    assert (host.api.url, host.api.connect_to) == ("https://api.a.example", ("127.0.0.1", 443))
    assert host.mail_host == "mail.a.example"


@pytest.mark.parametrize(
    ("listens", "url", "smtp"),
    [
        ("0.0.0.0", "http://127.0.0.1:3001", ("127.0.0.1", 25)),
        ("::", "http://[::1]:3001", ("::1", 25)),
        ("192.0.2.9", "http://192.0.2.9:3001", ("192.0.2.9", 25)),
    ],
)
def test_elsewhere_the_services_are_where_the_settings_say(listens: str, url: str, smtp: tuple[str, int]) -> None:
    here = target.of_settings(replace(SETTINGS, http_host=listens, smtp_host=listens), env_file=None, is_host=False)

    assert (here.http.url, here.api.url, here.smtp) == (url, url, smtp)


def test_from_another_machine_the_hosts_have_their_usual_names_unless_they_are_given() -> None:
    usual = target.from_anywhere(("a.example",), api=None, smtp=None)
    given = target.from_anywhere(("a.example",), api="https://b.example", smtp=("mx.b.example", 26))
    address = target.from_anywhere(("a.example",), api=None, smtp=("192.0.2.9", 25))

    assert (usual.api.url, usual.smtp, usual.mail_host) == (
        "https://api.a.example",
        ("mail.a.example", 25),
        "mail.a.example",
    )
    assert (given.api.url, given.smtp, given.mail_host) == ("https://b.example", ("mx.b.example", 26), "mx.b.example")
    assert address.mail_host == "mail.a.example"

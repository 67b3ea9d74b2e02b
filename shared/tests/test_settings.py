"""Settings: defaults, valid and invalid values, error messages, and `.env.example`."""

import re
import subprocess
from pathlib import Path

import msgspec
import pytest
from support.harness import COMMANDS

from fake_email.errors import SettingsError
from fake_email.settings import DatabaseSettings, Settings, dns_server, load

EXAMPLE = Path(__file__).parents[2] / ".env.example"
PASSWORD = "sesame"
REQUIRED = {"DATABASE_URL": f"postgresql://fake-email:{PASSWORD}@127.0.0.1:5432/fake-email", "DOMAIN": "mx.test"}
DEFAULTS: dict[str, object] = {
    field.name.upper(): field.default for field in msgspec.structs.fields(Settings) if not field.required
}
# For the other variables, which have no default value, `.env.example` has an example.
STATED = {variable: default for variable, default in DEFAULTS.items() if default not in {None, ()}}


def value_of(variable: str, **environ: str) -> object:
    return getattr(load(REQUIRED | environ, Settings), variable.lower())


def error_text(**environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(REQUIRED | environ, Settings)
    return str(caught.value)


@pytest.mark.parametrize(("variable", "default"), DEFAULTS.items())
def test_a_missing_variable_has_its_default(variable: str, default: object) -> None:
    value = value_of(variable)

    assert value == default


def test_only_the_database_and_the_domain_have_no_default() -> None:
    required = {field.name.upper() for field in msgspec.structs.fields(Settings) if field.required}

    assert required == REQUIRED.keys()


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize(("variable", "default"), DEFAULTS.items())
def test_an_empty_variable_has_its_default(variable: str, default: object, empty: str) -> None:
    value = value_of(variable, **{variable: empty})

    assert value == default


@pytest.mark.parametrize("variable", REQUIRED)
@pytest.mark.parametrize("environ", [{}, {"DATABASE_URL": "", "DOMAIN": " "}], ids=["missing", "empty"])
def test_a_missing_required_variable_is_named_in_the_error(variable: str, environ: dict[str, str]) -> None:
    others = {name: value for name, value in REQUIRED.items() if name != variable}

    with pytest.raises(SettingsError) as caught:
        load(environ | others, Settings)

    assert str(caught.value) == f"{variable}: missing; it has no default"


def test_migrate_needs_only_the_database_url() -> None:
    settings = load({"DATABASE_URL": REQUIRED["DATABASE_URL"]}, DatabaseSettings)

    assert settings == DatabaseSettings(database_url=REQUIRED["DATABASE_URL"], log_level="info")


@pytest.mark.parametrize(
    ("variable", "given", "value"),
    [
        ("HTTP_HOST", "::1", "::1"),
        ("HTTP_PORT", "8080", 8080),
        ("HTTP_PORT", " 8080 ", 8080),
        ("HTTP_PORT", "0", 0),
        ("HTTP_PORT", "65535", 65_535),
        ("HTTP_WORKERS", "64", 64),
        ("SMTP_HOST", "127.0.0.1", "127.0.0.1"),
        ("SMTP_PORT", "2525", 2525),
        ("MAILBOX_TTL_SECONDS", "60", 60),
        ("MAILBOX_TTL_SECONDS", "604800", 604_800),
        ("MAX_MESSAGE_OCTETS", "65536", 65_536),
        ("MAX_MESSAGE_OCTETS", "268435456", 268_435_456),
        ("MAILBOX_QUOTA_MESSAGES", "1", 1),
        ("MAILBOX_QUOTA_OCTETS", "1", 1),
        ("COMMIT_QUEUE_MESSAGES", "1", 1),
        ("COMMIT_QUEUE_OCTETS", "1", 1),
        ("CREATIONS_PER_MINUTE", "1", 1),
        ("FAILED_TOKENS_PER_MINUTE", "1", 1),
        ("CALLS_PER_MINUTE", "1", 1),
        ("CALLS_PER_MINUTE", "4000000000", 4_000_000_000),
        ("HTTP_MAX_STREAMS", "1", 1),
        ("HTTP_MAX_CLIENT_STREAMS", "1", 1),
        ("HTTP_MAX_MAILBOX_STREAMS", "1", 1),
        ("HTTP_STALL_SECONDS", "1", 1),
        ("HTTP_STALL_SECONDS", "3600", 3_600),
        ("DRAIN_SECONDS", "0", 0),
        ("DRAIN_SECONDS", "0.5", 0.5),
        ("DRAIN_SECONDS", "600", 600),
        ("LOG_LEVEL", "debug", "debug"),
        ("LOG_LEVEL", "error", "error"),
    ],
)
def test_a_value_in_range_is_accepted(variable: str, given: str, value: object) -> None:
    accepted = value_of(variable, **{variable: given})

    assert accepted == value


NUMBERS = {
    field.name.upper(): each
    for field in msgspec.inspect.type_info(Settings).fields  # type: ignore[attr-defined]  # a StructType
    for each in getattr(field.type, "types", [field.type])  # a number or None is a union
    if isinstance(each, msgspec.inspect.IntType | msgspec.inspect.FloatType)
}
BOUNDS = [
    *((variable, number.ge, -1) for variable, number in NUMBERS.items() if number.ge is not None),
    *((variable, number.le, 1) for variable, number in NUMBERS.items() if number.le is not None),
]


@pytest.mark.parametrize(("variable", "bound", "_outwards"), BOUNDS)
def test_a_number_at_its_bound_is_accepted(variable: str, bound: float, _outwards: int) -> None:
    value = value_of(variable, **{variable: str(bound)})

    assert value == bound


@pytest.mark.parametrize(("variable", "bound", "outwards"), BOUNDS)
def test_a_number_past_its_bound_is_refused(variable: str, bound: float, outwards: int) -> None:
    text = error_text(**{variable: str(bound + outwards)})

    assert text.startswith(f"{variable}: ")


@pytest.mark.parametrize("variable", NUMBERS)
def test_every_number_has_a_lower_bound(variable: str) -> None:
    text = error_text(**{variable: "-1"})

    assert text.startswith(f"{variable}: ")


@pytest.mark.parametrize("given", ["many", "12 000", "1,000", "0x10", "1.5 s", "-", "one\ntwo"])
@pytest.mark.parametrize("variable", NUMBERS)
def test_a_value_that_is_not_a_number_is_refused_in_one_line_that_names_the_variable(variable: str, given: str) -> None:
    text = error_text(**{variable: given})

    assert text.startswith(f"{variable}: ")
    assert text.isprintable()


@pytest.mark.parametrize(
    ("variable", "given"),
    [
        ("HTTP_PORT", "-1"),
        ("HTTP_PORT", "65536"),
        ("HTTP_PORT", "9" * 30),
        ("HTTP_WORKERS", "0"),
        ("HTTP_WORKERS", "65"),
        ("SMTP_PORT", "-1"),
        ("SMTP_PORT", "65536"),
        ("MAILBOX_TTL_SECONDS", "59"),
        ("MAILBOX_TTL_SECONDS", "604801"),
        ("MAILBOX_TTL_SECONDS", "60.5"),
        ("MAX_MESSAGE_OCTETS", "65535"),
        ("MAX_MESSAGE_OCTETS", "268435457"),
        ("MAILBOX_QUOTA_MESSAGES", "0"),
        ("MAILBOX_QUOTA_OCTETS", "0"),
        ("COMMIT_QUEUE_MESSAGES", "0"),
        ("COMMIT_QUEUE_OCTETS", "0"),
        ("CREATIONS_PER_MINUTE", "0"),
        ("FAILED_TOKENS_PER_MINUTE", "0"),
        ("CALLS_PER_MINUTE", "0"),
        ("CALLS_PER_MINUTE", "4000000001"),
        ("HTTP_MAX_STREAMS", "0"),
        ("HTTP_MAX_CLIENT_STREAMS", "0"),
        ("HTTP_MAX_MAILBOX_STREAMS", "0"),
        ("HTTP_STALL_SECONDS", "0.9"),
        ("HTTP_STALL_SECONDS", "3601"),
        ("DRAIN_SECONDS", "-1"),
        ("DRAIN_SECONDS", "601"),
        ("DRAIN_SECONDS", "nan"),
        ("DRAIN_SECONDS", "inf"),
        *(
            ("AUTHENTICATION_RESOLVER", each)
            for each in ("dns.example", "192.0.2.53:", "192.0.2.53:x", "[::1", "1.2.3")
        ),
        ("AUTHENTICATION_RESOLVER", "192.0.2.53:65536"),
        ("AUTHENTICATION", "yes"),
        ("LOG_LEVEL", "verbose"),
        ("LOG_LEVEL", "one\ntwo"),
        ("LOG_LEVEL", "what is - at `$.nowhere`"),
    ],
)
def test_a_value_out_of_range_is_refused_in_one_line_that_names_the_variable(variable: str, given: str) -> None:
    text = error_text(**{variable: given})

    assert text.startswith(f"{variable}: ")
    assert text.isprintable()


@pytest.mark.parametrize(
    ("given", "server"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5300", ("192.0.2.53", 5_300)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
        ("[2001:DB8::53]:5300", ("2001:db8::53", 5_300)),
    ],
)
def test_a_dns_server_is_an_address_with_or_without_a_port(given: str, server: tuple[str, int]) -> None:
    assert dns_server(given) == server


@pytest.mark.parametrize(
    ("variable", "given", "sentence"),
    [
        ("HTTP_PORT", "eighty", "'eighty' is not a whole number from 0 to 65535"),
        ("MAILBOX_TTL_SECONDS", "60.5", "'60.5' is not a whole number from 60 to 604800"),
        ("CALLS_PER_MINUTE", "0", "'0' is not a whole number from 1 to 4000000000"),
        ("HTTP_MAX_STREAMS", "many", "'many' is not a whole number of 1 or more"),
        ("SMTP_REFUSAL_DELAY_SECONDS", "61", "'61' is not a number from 0 to 60"),
        ("SMTP_IDLE_SECONDS", "0", "'0' is not a number above 0 and up to 86400"),
        ("LOG_LEVEL", "verbose", "'verbose' is not one of debug, error, info and warning"),
        ("INBOX_ACCESS", "closed", "'closed' is not one of open and private"),
        ("HTTP_PORT", "9" * 3_000, f"'{'9' * 50}' is not a whole number from 0 to 65535"),
    ],
)
def test_a_wrong_value_is_shown_with_the_values_that_are_right(variable: str, given: str, sentence: str) -> None:
    assert error_text(**{variable: given}) == f"{variable}: {sentence}"


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DOMAIN", "SMTP_HOST", "HTTP_PORT", "LOG_LEVEL"])
def test_invalid_utf_8_is_refused_in_one_line_that_names_the_variable(variable: str) -> None:
    latin_1 = REQUIRED.get(variable, "") + b"\xfc".decode(errors="surrogateescape")

    text = error_text(**{variable: latin_1})

    assert text.startswith(f"{variable}: ")
    assert text.isprintable()


@pytest.mark.parametrize(
    "url",
    [
        PASSWORD,
        f"mysql://fake-email:{PASSWORD}@127.0.0.1/fake-email",
        f"postgresql://fake-email:%zz{PASSWORD}@127.0.0.1/fake-email",
        f"postgresql://fake-email:{PASSWORD}@127.0.0.1/fake-email?no_such_option=1",
        f"postgresql://fake-email:{PASSWORD}@[::1/fake-email",
        f"host=127.0.0.1 password={PASSWORD} fake-email",
    ],
)
def test_an_invalid_database_url_is_refused_without_showing_its_password(url: str) -> None:
    text = error_text(DATABASE_URL=url)

    assert text == "DATABASE_URL: not a Postgres URI, as in postgresql://name@host:5432/database"


@pytest.mark.parametrize(
    ("given", "domains"),
    [
        ("mx.test", ("mx.test",)),
        ("mx.test,other.test", ("mx.test", "other.test")),
        (" mx.test , other.test ,", ("mx.test", "other.test")),
        ("MX.Test", ("mx.test",)),
        ("localhost", ("localhost",)),
        (f"{'a' * 63}.test", (f"{'a' * 63}.test",)),
        ("xn--bcher-kva.test", ("xn--bcher-kva.test",)),
    ],
)
def test_domain_is_a_list_in_lower_case_and_in_order(given: str, domains: tuple[str, ...]) -> None:
    settings = load(REQUIRED | {"DOMAIN": given}, Settings)

    assert settings.domain == domains


@pytest.mark.parametrize(
    "domain",
    [
        *("mx..test", ".test", "test.", "-mx.test", "mx-.test", "mx_1.test", "me@mx.test", "bücher.test", "mx test"),
        *(f"{'a' * 64}.test", f"{'a.' * 127}test", "mx\n.test"),
    ],
)
def test_an_invalid_domain_is_refused_in_one_line_that_shows_it(domain: str) -> None:
    text = error_text(DOMAIN=f"mx.test,{domain}")

    assert text == f"DOMAIN: {domain!r} is not a domain name, as in mx.example.org"


def test_a_list_of_commas_alone_counts_as_a_missing_domain() -> None:
    text = error_text(DOMAIN=", ,")

    assert text == "DOMAIN: missing; it has no default"


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("https://my-app.test", ("https://my-app.test",)),
        ("https://my-app.test, http://localhost:3000", ("https://my-app.test", "http://localhost:3000")),
        ("https://My-App.test,", ("https://my-app.test",)),
        ("https://my-app-*.test", ("https://my-app-*.test",)),
        ("https://*.test:8443", ("https://*.test:8443",)),
        ("https://my-app-git-*-my-team.vercel.app", ("https://my-app-git-*-my-team.vercel.app",)),
        ("https://*.my-app.example", ("https://*.my-app.example",)),
        (",", ()),
    ],
)
def test_cors_allowed_origins_is_a_list_of_origins(given: str, origins: tuple[str, ...]) -> None:
    settings = load(REQUIRED | {"CORS_ALLOWED_ORIGINS": given}, Settings)

    assert settings.cors_allowed_origins == origins


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "null", "my-app.test", "https://", "https://my-app.test/page/", "https://my-app.test/page"),
        *("ftp://my-app.test", "https://*-*.test", "https://my-app.test:", "https://me@my-app.test"),
        *("https://:80", "https://my-app.test:65536"),
    ],
)
def test_an_invalid_origin_is_refused_in_one_line_that_shows_it(origin: str) -> None:
    text = error_text(CORS_ALLOWED_ORIGINS=f"https://my-app.test,{origin}")

    assert text == f"CORS_ALLOWED_ORIGINS: {origin!r} is not an origin, as in https://my-app-git-*-my-team.vercel.app"


@pytest.mark.parametrize("origin", ["https://my-app.test", "http://localhost:3000", "https://my-app-*.test"])
def test_an_origin_with_a_slash_at_its_end_is_refused_and_shown_without_the_slash(origin: str) -> None:
    text = error_text(CORS_ALLOWED_ORIGINS=f"https://my-app.test,{origin}/")

    assert text == f"CORS_ALLOWED_ORIGINS: '{origin}/' ends with a slash, and an origin does not: {origin}"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("port", ["", ":8443"])
@pytest.mark.parametrize(
    "host", ["*", "my-*", "*.app", "my-app-*.com", "*.app.", "my-app.*", "my-app.c*", "192.168.0.*"]
)
def test_an_origin_whose_domain_a_stranger_may_register_is_refused(scheme: str, port: str, host: str) -> None:
    origin = f"{scheme}://{host}{port}"

    text = error_text(CORS_ALLOWED_ORIGINS=f"https://my-app.test,{origin}")

    assert text == (
        f"CORS_ALLOWED_ORIGINS: {origin!r} allows the web pages of strangers, who may register such a domain; "
        "list each origin, or write the * between names of your own, as in https://my-app-git-*-my-team.vercel.app"
    )


@pytest.mark.parametrize("top", ["internal", "local", "localhost", "test"])
def test_an_origin_with_a_top_level_domain_that_nobody_registers_may_have_a_star_before_it(top: str) -> None:
    origin = f"https://*.{top}:8443"

    settings = load(REQUIRED | {"CORS_ALLOWED_ORIGINS": origin}, Settings)

    assert settings.cors_allowed_origins == (origin,)


def test_a_connect_timeout_that_is_not_a_number_is_refused() -> None:
    text = error_text(DATABASE_URL="postgresql:///?connect_timeout=soon")

    assert text == "DATABASE_URL: connect_timeout is not a whole number of seconds"


@pytest.mark.parametrize("variable", ["HTTP_EXEMPT_NETWORKS", "SMTP_EXEMPT_NETWORKS", "TRUSTED_PROXIES"])
@pytest.mark.parametrize("network", ["elsewhere", "192.0.2.1/24", "192.0.2.0/33"])
def test_an_invalid_network_is_refused_in_one_line_that_shows_it(variable: str, network: str) -> None:
    text = error_text(**{variable: f"2001:db8::/48,{network}"})

    assert text == f"{variable}: {network!r} is not a network, as in 192.0.2.0/24"


def test_trusted_proxies_is_a_list_of_networks_and_addresses() -> None:
    settings = load(REQUIRED | {"TRUSTED_PROXIES": "192.0.2.1, 2001:DB8::/48,"}, Settings)

    assert settings.trusted_proxies == ("192.0.2.1", "2001:db8::/48")


@pytest.mark.parametrize(("given", "missing"), [("TLS_CERT_FILE", "TLS_KEY_FILE"), ("TLS_KEY_FILE", "TLS_CERT_FILE")])
def test_a_certificate_without_its_key_is_refused(given: str, missing: str) -> None:
    text = error_text(**{given: "some.pem"})

    assert text == f"{missing}: missing; set TLS_CERT_FILE and TLS_KEY_FILE together"


@pytest.fixture(scope="module")
def example() -> dict[str, str]:
    """The variables of `.env.example` and their values, also those behind a comment sign."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.+)$", EXAMPLE.read_text(), re.MULTILINE))


@pytest.mark.parametrize("variable", [*REQUIRED, *DEFAULTS])
def test_the_example_file_names_every_variable(example: dict[str, str], variable: str) -> None:
    assert variable in example


def test_the_example_file_names_nothing_else(example: dict[str, str]) -> None:
    assert example.keys() <= {*REQUIRED, *DEFAULTS}


@pytest.mark.parametrize(("variable", "default"), STATED.items())
def test_the_example_file_states_the_default(example: dict[str, str], variable: str, default: object) -> None:
    value = value_of(variable, **{variable: example[variable]})

    assert value == default


def test_the_example_file_with_its_comment_signs_removed_is_valid(example: dict[str, str]) -> None:
    settings = load(example, Settings)

    assert settings.domain == ("mail.example.org", "mx.example.org")


@pytest.mark.parametrize("command", [["smtp-ingest"], ["http-api"], ["fake-email", "check"]], ids=lambda it: it[-1])
def test_a_wrong_setting_ends_each_command_with_status_2_and_one_line(command: list[str]) -> None:
    program, *arguments = command

    completed = subprocess.run(
        [COMMANDS / program, *arguments],
        check=False,
        capture_output=True,
        env=REQUIRED | {"SMTP_PORT": "0", "HTTP_PORT": "eighty"},
        text=True,
        timeout=20,
    )

    assert (completed.returncode, completed.stdout, completed.stderr) == (
        2,
        "",
        "HTTP_PORT: 'eighty' is not a whole number from 0 to 65535\n",
    )

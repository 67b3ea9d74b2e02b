"""Settings, read once from the environment into a frozen struct; each field is a variable's name in lower case."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import msgspec
import psycopg.conninfo

from fake_email import expected
from fake_email.errors import SettingsError

MIN_TTL_SECONDS = 60
MAX_TTL_SECONDS = 7 * 86_400

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
PerMinute = Annotated[int, msgspec.Meta(ge=1, le=4_000_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of `fake-email migrate`, which only reaches Postgres."""

    database_url: str
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(DatabaseSettings, frozen=True, kw_only=True):
    """The settings of both services; sizes are in octets, spans in seconds."""

    domain: tuple[str, ...]
    http_host: str = "127.0.0.1"
    http_port: Port = 3001
    http_workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    smtp_host: str = "0.0.0.0"  # noqa: S104  # mail servers connect from any network
    smtp_port: Port = 25
    metrics_host: str = "127.0.0.1"
    http_metrics_port: Port | None = None
    smtp_metrics_port: Port | None = None
    smtp_public_host: str | None = None
    smtp_public_port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 25
    cors_allowed_origins: tuple[str, ...] = ()
    inbox_access: Literal["open", "private"] = "open"
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1")
    http_exempt_networks: tuple[str, ...] = ()
    creations_per_minute: PerMinute = 60
    failed_tokens_per_minute: PerMinute = 20
    tickets_per_minute: PerMinute = 60
    calls_per_minute: PerMinute = 60_000
    http_max_streams: Positive = 15_000
    http_max_client_streams: Positive = 200
    http_max_mailbox_streams: Positive = 10_000
    http_stall_seconds: Annotated[float, msgspec.Meta(ge=1, le=3_600)] = 30
    mailbox_ttl_seconds: Annotated[int, msgspec.Meta(ge=MIN_TTL_SECONDS, le=MAX_TTL_SECONDS)] = 86_400
    max_message_octets: Annotated[int, msgspec.Meta(ge=65_536, le=268_435_456)] = 26_214_400
    max_header_octets: Annotated[int, msgspec.Meta(ge=1_024)] = 262_144
    max_line_octets: Annotated[int, msgspec.Meta(ge=131_072)] = 1_048_576
    mailbox_quota_messages: Positive = 500
    mailbox_quota_octets: Positive = 104_857_600
    max_stored_octets: Positive | None = None
    commit_queue_messages: Positive = 2_000
    commit_queue_octets: Positive = 134_217_728
    drain_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 20
    authentication: Literal["on", "off"] = "on"
    authentication_resolver: str | None = None
    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    smtp_max_sessions: Positive = 1_000
    smtp_max_client_sessions: Positive = 20
    smtp_max_client_sessions_per_minute: Positive = 120
    smtp_max_client_octets_per_day: Positive | None = None
    smtp_exempt_networks: tuple[str, ...] = ()
    smtp_max_messages: Positive = 1_000
    smtp_max_recipients: Positive = 100  # RFC 5321 §4.5.3.1.8: at least 100
    smtp_max_refused_recipients: Positive = 10
    smtp_refusal_delay_seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 1
    smtp_max_unknown_commands: Positive = 5
    smtp_max_errors: Positive = 20
    smtp_max_commands_without_message: Positive = 1_000
    smtp_max_command_octets: Annotated[int, msgspec.Meta(ge=512, le=65_536)] = 2_048
    smtp_idle_seconds: Seconds = 60
    smtp_session_seconds: Seconds = 600
    smtp_min_octets_per_second: Positive = 1_000
    smtp_rate_grace_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 30


Loaded = TypeVar("Loaded", bound=DatabaseSettings)

_LISTS = frozenset(
    {"domain", "cors_allowed_origins", "trusted_proxies", "http_exempt_networks", "smtp_exempt_networks"}
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SHOWN_CHARACTERS = 50
_SURROGATE = re.compile("[\ud800-\udfff]")
_SAFE_ORIGIN = "https://my-app-git-*-my-team.vercel.app"
# No registry gives out names below these: RFC 6761 §6, RFC 6762 §3, and ICANN's private-use "internal".
_UNREGISTERED = frozenset({"internal", "local", "localhost", "test"})
_ORIGIN = re.compile(r"https?://(?=[a-z0-9*])[a-z0-9.-]*\*?[a-z0-9.-]*(?::(?P<port>[0-9]{1,5}))?")

_DNS_PORT = 53
_DNS_SERVER = re.compile(
    r"(?:\[(?P<bracketed>[0-9a-f:.]+)\]|(?P<plain>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)

# The names of all settings, as variables.
VARIABLES = tuple(name.upper() for name in Settings.__struct_fields__)


def load(environ: Mapping[str, str], settings_type: type[Loaded]) -> Loaded:
    """Read the settings from `environ`; an empty variable has its default.

    Raises SettingsError, whose text is one line that names the variable.
    """
    values = {
        name: [item.strip().lower() for item in value.split(",") if item.strip()] if name in _LISTS else value
        for name in settings_type.__struct_fields__
        if (value := environ.get(name.upper(), "").strip())
    }
    for name in values:
        if _SURROGATE.search(environ[name.upper()]):  # os.environ decodes invalid UTF-8 to surrogates
            raise SettingsError(f"{name.upper()}: the value is not UTF-8")
    try:
        settings = msgspec.convert(values, settings_type, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_one_line(str(error), values, settings_type)) from None
    _check_database_url(settings.database_url)
    if isinstance(settings, Settings):
        _check_values(settings)
    return settings


def _one_line(complaint: str, values: Mapping[str, object], settings_type: type[DatabaseSettings]) -> str:
    """The variable's name, its value, and what the value must be, from msgspec's complaint."""
    missing = re.fullmatch(r"Object missing required field `(\w+)`", complaint)
    if missing:
        return f"{missing[1].upper()}: missing; it has no default"
    name = complaint.rpartition(" - at `$.")[2].rstrip("`").partition("[")[0]
    types = {field.name: field.type for field in msgspec.structs.fields(settings_type)}
    return f"{name.upper()}: {str(values[name])[:_SHOWN_CHARACTERS]!r} is not {expected.in_words(types[name])}"


def _check_database_url(url: str) -> None:
    try:
        parameters = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # libpq's own text repeats the value, and with it the password.
        raise SettingsError("DATABASE_URL: not a Postgres URI, as in postgresql://name@host:5432/database") from None
    try:
        int(parameters.get("connect_timeout") or 0)
    except ValueError:  # psycopg would fail at each connection
        raise SettingsError("DATABASE_URL: connect_timeout is not a whole number of seconds") from None


def _check_values(settings: Settings) -> None:
    if not settings.domain:
        raise SettingsError("DOMAIN: missing; it has no default")
    for domain in settings.domain:
        if len(domain) > 253 or not _DOMAIN.fullmatch(domain):  # noqa: PLR2004  # RFC 1035 §2.3.4
            raise SettingsError(f"DOMAIN: {domain!r} is not a domain name, as in mx.example.org")
    for origin in settings.cors_allowed_origins:
        if origin.endswith("/") and _ORIGIN.fullmatch(origin.rstrip("/")):
            raise SettingsError(
                f"CORS_ALLOWED_ORIGINS: {origin!r} ends with a slash, and an origin does not: {origin.rstrip('/')}"
            )
        matched = _ORIGIN.fullmatch(origin)
        if not matched or int(matched["port"] or 0) > 65_535:  # noqa: PLR2004
            raise SettingsError(f"CORS_ALLOWED_ORIGINS: {origin!r} is not an origin, as in {_SAFE_ORIGIN}")
        if _has_domain_of_strangers(origin):
            raise SettingsError(
                f"CORS_ALLOWED_ORIGINS: {origin!r} allows the web pages of strangers, who may register such a domain; "
                f"list each origin, or write the * between names of your own, as in {_SAFE_ORIGIN}"
            )
    if settings.authentication_resolver:
        dns_server(settings.authentication_resolver)
    _check_networks("TRUSTED_PROXIES", settings.trusted_proxies)
    _check_networks("HTTP_EXEMPT_NETWORKS", settings.http_exempt_networks)
    _check_networks("SMTP_EXEMPT_NETWORKS", settings.smtp_exempt_networks)
    if bool(settings.tls_cert_file) != bool(settings.tls_key_file):
        missing = "TLS_KEY_FILE" if settings.tls_cert_file else "TLS_CERT_FILE"
        raise SettingsError(f"{missing}: missing; set TLS_CERT_FILE and TLS_KEY_FILE together")


def dns_server(text: str) -> tuple[str, int]:
    """The address and the port of a DNS server, as in 192.0.2.53, 192.0.2.53:5300 or [2001:db8::53]:5300.

    Raises SettingsError.
    """
    matched = _DNS_SERVER.fullmatch(text)
    address = (matched["bracketed"] or matched["plain"]) if matched else text
    port = int(matched["port"] or _DNS_PORT) if matched else _DNS_PORT
    try:
        return str(ipaddress.ip_address(address)), msgspec.convert(port, Port)
    except (ValueError, msgspec.ValidationError):
        raise SettingsError(
            f"AUTHENTICATION_RESOLVER: {text[:_SHOWN_CHARACTERS]!r} is not a DNS server, as in 192.0.2.53 or "
            "192.0.2.53:5300"
        ) from None


def _has_domain_of_strangers(origin: str) -> bool:
    """True when the `*` is in the last two labels: it then stands for domains that a registry gives to anybody."""
    host = origin.partition("://")[2].partition(":")[0]
    labels = [label for label in host.split(".") if label]
    return labels[-1] not in _UNREGISTERED and any("*" in label for label in labels[-2:])


def _check_networks(variable: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise SettingsError(f"{variable}: {network!r} is not a network, as in 192.0.2.0/24") from None

"""Log events on stderr, ours and those of libraries: lines of JSON, or readable lines on a terminal."""

import datetime
import json
import logging
import sys

import msgspec

# structlog loads rich where it is installed, as Litestar has it, for tracebacks that nobody sees here: a fifth of a
# start. An import fails whose entry in the module cache is None (docs.python.org/3/reference/import.html, "The module
# cache"), and structlog then goes without rich.
_rich = sys.modules.get("rich")
sys.modules["rich"] = _rich  # type: ignore[assignment]  # the stubs do not know that an entry may be None
import structlog  # noqa: E402  # after the line above

if _rich is None:
    del sys.modules["rich"]

_LIBRARIES = {
    # aiosmtpd logs every command, including local parts, at info.
    "mail.log": logging.ERROR,
    # OutageLog logs the start and the end of an outage; the pool would log each attempt to connect.
    "psycopg.pool": logging.CRITICAL,
    "psycopg": logging.ERROR,
    "asyncio": logging.WARNING,
}
_ENCODER = msgspec.json.Encoder(enc_hook=repr)


def configure(level: str) -> None:
    """Write every event of this process at `level` or above to stderr, one line each."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _add_time,
    ]
    structlog.configure(
        processors=[*shared, *_console()] if sys.stderr.isatty() else [*shared, _to_json],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_logger_factory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_console() if sys.stderr.isatty() else [_to_json_text]),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    for name, floor in _LIBRARIES.items():
        logging.getLogger(name).setLevel(max(floor, number))


def _add_time(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event["time"] = datetime.datetime.now(datetime.UTC)  # msgspec formats it (RFC 3339) in a tenth of the time
    return event


def _console() -> list[structlog.typing.Processor]:
    # The default formatter would show the values of variables, and with them content and tokens.
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.dev.ConsoleRenderer(pad_event_to=24, exception_formatter=structlog.dev.plain_traceback),
    ]


def _logger_factory() -> structlog.WriteLoggerFactory | structlog.BytesLoggerFactory:
    if sys.stderr.isatty():
        return structlog.WriteLoggerFactory(file=sys.stderr)
    return structlog.BytesLoggerFactory(file=sys.stderr.buffer)  # no text layer to encode each line again


def _to_json(logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict) -> bytes:
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    try:
        return _ENCODER.encode(event)
    except UnicodeEncodeError:  # a lone surrogate, decoded from invalid UTF-8
        line = json.dumps(msgspec.to_builtins(event, enc_hook=repr), ensure_ascii=False)
        return line.encode(errors="replace")


def _to_json_text(logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict) -> str:
    return _to_json(logger, method, event).decode()

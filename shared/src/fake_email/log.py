"""Log events on stderr, ours and those of libraries: lines of JSON, or readable lines on a terminal."""

import datetime
import json
import logging
import sys

import msgspec
import structlog

_LIBRARIES = {
    # aiosmtpd logs every command, including local parts, at info.
    "mail.log": logging.ERROR,
    # OutageLog logs the start and the end of an outage; the pool would log each attempt to connect.
    "psycopg.pool": logging.CRITICAL,
    "psycopg": logging.ERROR,
    "asyncio": logging.WARNING,
}


def configure(level: str) -> None:
    """Write every event of this process at `level` or above to stderr, one line each."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _add_time,
    ]
    structlog.configure(
        processors=[*shared, *_rendering()],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    for name, floor in _LIBRARIES.items():
        logging.getLogger(name).setLevel(max(floor, number))


def _add_time(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event["time"] = datetime.datetime.now(datetime.UTC)  # msgspec formats it (RFC 3339) in a tenth of the time
    return event


def _rendering() -> list[structlog.typing.Processor]:
    if sys.stderr.isatty():
        # The default formatter would show the values of variables, and with them content and tokens.
        return [
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.dev.ConsoleRenderer(pad_event_to=24, exception_formatter=structlog.dev.plain_traceback),
        ]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]


def _to_json(event: object, **_: object) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # a lone surrogate, decoded from invalid UTF-8
        line = json.dumps(msgspec.to_builtins(event, enc_hook=repr), ensure_ascii=False)
        return line.encode(errors="replace").decode()

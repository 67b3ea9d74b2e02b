"""One SMTP session (RFC 5321): commands in, replies out; `250` after DATA means that the message is committed."""

from collections.abc import Callable
from functools import partial

from smtp_ingest import ehlo, replies
from smtp_ingest.connection import Connection
from smtp_ingest.context import Context
from smtp_ingest.dialogue import Rest
from smtp_ingest.ehlo import ClientIdentity
from smtp_ingest.guard import Guard
from smtp_ingest.mail_commands import MailCommands
from smtp_ingest.responder import Responder
from smtp_ingest.session_limits import SessionLimits

_HTTP_METHODS = frozenset({"GET", "POST", "CONNECT", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"})
# Commands with the same reply in every state.
_CONSTANT_REPLIES = {
    "NOOP": replies.OK,
    "VRFY": replies.CANNOT_VERIFY,
    "HELP": replies.HELP,
    **dict.fromkeys(("EXPN", "AUTH", "ETRN", "TURN"), replies.NOT_IMPLEMENTED),
}


class Session:
    """The commands and replies of one connection."""

    def __init__(self, context: Context, connection: Connection) -> None:
        self._context = context
        self._settings = context.settings
        self._connection = connection
        self._dialogue = connection.dialogue
        self._counts = context.counts
        self._limits = SessionLimits(context.settings)
        self._responder = Responder(connection.dialogue, self._limits)
        self._reply = self._responder.reply
        self._guard = Guard(
            connection.log, context.counts.errors, reply=self._reply, end_transaction=self._end_transaction
        )
        self._mail_commands = MailCommands(context, connection, self._limits, self._responder, self._guard)
        self._identity: ClientIdentity | None = None

    def greet(self) -> None:
        """Send the greeting."""
        self._dialogue.reply(f"220 {self._settings.domain[0]} ESMTP fake-email")

    def close(self) -> None:
        """Drop what was not committed."""
        self._end_transaction()

    def execute(self, line: bytes) -> Rest:
        """Execute the command in `line`; returns the rest of its work when that has to wait for something."""
        self._limits.count_line()
        if len(line) > self._settings.smtp_max_command_octets:
            self._reply(self._connection.limit_reply("smtp_max_command_octets"))
            return None
        try:
            verb, _, argument = line.decode().strip("\r\n").partition(" ")
        except UnicodeDecodeError:
            self._reply(replies.NOT_UTF8)
            return None
        verb = verb.upper()
        self._responder.counted = self._counts.of_command.get(verb)
        command = _COMMANDS.get(verb)
        if command is not None:
            return self._guard.run(partial(command, self, argument.strip()))
        if verb not in _CONSTANT_REPLIES:
            self._limits.count_unknown_command()
        self._reply(_CONSTANT_REPLIES.get(verb, replies.UNKNOWN_COMMAND))
        return None

    def _end_transaction(self) -> None:
        self._mail_commands.end_transaction()

    # Commands in every state

    def _refuse_http(self, _argument: str) -> None:
        self._connection.end("http")

    def _rset(self, _argument: str) -> None:
        self._end_transaction()
        self._reply(replies.OK)

    def _quit(self, _argument: str) -> None:
        self._reply(replies.GOODBYE)
        self._connection.end("quit")

    # The beginning of a session

    def _helo(self, argument: str) -> None:
        self._identify(argument, is_extended=False)

    def _ehlo(self, argument: str) -> None:
        self._identify(argument, is_extended=True)

    def _identify(self, host_name: str, *, is_extended: bool) -> None:
        if not host_name:
            self._reply(replies.HOST_NAME_REQUIRED)
            return
        self._end_transaction()
        self._identity = ehlo.read(host_name, is_extended=is_extended)
        has_starttls = self._context.certificate is not None and not self._connection.tls
        self._reply(ehlo.reply(self._settings, is_extended=is_extended, has_starttls=has_starttls))

    def _starttls(self, argument: str) -> Rest:
        if self._context.certificate is None:
            self._reply(replies.NOT_IMPLEMENTED)
        elif argument:
            self._reply(replies.NO_ARGUMENT_ALLOWED)
        elif self._connection.tls:
            self._reply(replies.TLS_ALREADY_ACTIVE)
        elif self._identity is None:
            self._reply(replies.EHLO_REQUIRED)
        else:
            self._end_transaction()
            self._identity = None
            return self._connection.start_tls(replies.READY_FOR_TLS)
        return None

    # The commands of a transaction

    def _mail(self, argument: str) -> None:
        self._mail_commands.mail(argument, self._identity)

    def _rcpt(self, argument: str) -> Rest:
        return self._mail_commands.rcpt(argument)

    def _data(self, argument: str) -> None:
        self._mail_commands.data(argument)

    def _bdat(self, argument: str) -> Rest:
        return self._mail_commands.bdat(argument)


_COMMANDS: dict[str, Callable[[Session, str], Rest]] = {
    "HELO": Session._helo,  # noqa: SLF001
    "EHLO": Session._ehlo,  # noqa: SLF001
    "STARTTLS": Session._starttls,  # noqa: SLF001
    "MAIL": Session._mail,  # noqa: SLF001
    "RCPT": Session._rcpt,  # noqa: SLF001
    "DATA": Session._data,  # noqa: SLF001
    "BDAT": Session._bdat,  # noqa: SLF001
    "RSET": Session._rset,  # noqa: SLF001
    "QUIT": Session._quit,  # noqa: SLF001
    **dict.fromkeys(_HTTP_METHODS, Session._refuse_http),  # noqa: SLF001
}

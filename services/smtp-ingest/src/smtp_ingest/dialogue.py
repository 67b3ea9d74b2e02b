"""The input and the output of one session: commands in order, content, and the replies to them.

Lines and content are read as they are received, without a task. A command that has to wait for something goes on in a
task, and the commands after it wait in the input, which is bounded. The replies to pipelined commands are one write.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol

from smtp_ingest import replies
from smtp_ingest.deadlines import Deadlines
from smtp_ingest.read_turns import ReadTurns
from smtp_ingest.session_limits import LimitReached

# A longer line ends the session. When more than these octets wait for a command to end, reading is paused.
_INPUT_OCTETS = 131_072
# After so many pipelined commands, their replies are sent, and the event loop does other work.
_COMMANDS_AT_ONCE = 100

# The rest of a command that has to wait for something; None when there is none.
Rest = Coroutine[object, object, None] | None
Step = Callable[[], Rest]


class ContentReader(Protocol):
    """Takes what is received as content, until its end."""

    @property
    def takes_turns(self) -> bool:
        """True when the next octets should wait for their turn."""

    def feed(self, octets: bytes) -> bytes | None:
        """Add `octets`; returns those after the end of the content, None until the end is found."""


class Commands(Protocol):
    """The commands of a session; each method may raise LimitReached."""

    def greet(self) -> None:
        """Greet the client."""

    def execute(self, line: bytes) -> Rest:
        """Execute the command in `line`."""

    def close(self) -> None:
        """Drop what was not committed."""


class Link(Protocol):
    """The connection of a dialogue."""

    deadlines: Deadlines
    is_ending: bool
    is_draining: bool
    is_in_transaction: bool
    has_backlog: bool  # the client does not read the replies

    def write(self, octets: bytes) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def end_at_limit(self, error: LimitReached) -> None: ...

    def end_with(self, reply: str, outcome: str) -> None: ...

    def end_lost(self) -> None: ...

    def abort(self) -> None: ...


class Dialogue:
    """Executes what a client sends, one command after the other."""

    def __init__(self, link: Link, read_turns: ReadTurns) -> None:
        self._link = link
        self._read_turns = read_turns
        self._loop = asyncio.get_running_loop()
        # The octets of the input from the position on wait to be read.
        self._input = b""
        self._position = 0
        self._has_end = False
        self._is_paused = False
        self._output = ""
        self._content_reader: ContentReader | None = None
        self._after_content: Step = _nothing
        self._task: asyncio.Task[None] | None = None

    def begin(self, commands: Commands) -> None:
        """Greet the client, and execute its commands from now on."""
        self._commands = commands
        commands.greet()
        self.flush()

    @property
    def is_idle(self) -> bool:
        """True while the next command has not been received."""
        return self._task is None and self._content_reader is None

    # The input

    def receive(self, octets: bytes) -> None:
        """Add `octets` to the input, and read the input unless a command has to end first."""
        self._input = self._input[self._position :] + octets if self._input else octets
        self._position = 0
        if self._task is None and not self._link.has_backlog:
            self.go_on()
        elif len(self._input) > _INPUT_OCTETS:
            self._pause()

    def receive_end(self) -> None:
        """The client sends nothing more; what it has sent is executed before the session ends."""
        self._has_end = True
        self.go_on()

    def drop_input(self) -> None:
        """Ignore what was received and not yet read."""
        self._input = b""
        self._position = 0

    def go_on(self) -> None:
        """Read the input up to its end, or up to a command that has to wait, unless one is waiting."""
        link = self._link
        if self._task is not None or link.has_backlog or link.is_ending:
            return
        try:
            rest = self._read_input()
        except LimitReached as error:
            link.end_at_limit(error)
            return
        if rest is not None:
            link.deadlines.are_suspended = True
            self._rest = rest
            self._task = self._loop.create_task(self._finish(rest))
            return
        self.flush()
        if self._has_end:
            link.end_lost()
        elif self._is_paused and not link.has_backlog:
            self._is_paused = False
            link.resume_reading()

    def _pause(self) -> None:
        self._is_paused = True
        self._link.pause_reading()

    def _read_input(self) -> Rest:
        link = self._link
        commands = 0
        while not link.is_ending:
            if self._content_reader is not None:
                if not self._input:
                    return None
                rest = self._read_content(self._content_reader)
            else:
                if link.is_draining and not link.is_in_transaction:
                    link.abort()
                    return None
                line = self._next_line() if self._input else b""
                if not line:
                    return None
                rest = self._commands.execute(line)
                link.deadlines.wait()
                commands += 1
                if commands == _COMMANDS_AT_ONCE and rest is None:
                    self.flush()
                    rest = asyncio.sleep(0)
            if rest is not None:
                return rest
        return None

    def _next_line(self) -> bytes:
        """The next line with its line end; empty until the line end is received."""
        begin, octets = self._position, self._input
        end = octets.find(b"\n", begin) + 1
        if (end or len(octets)) - begin > _INPUT_OCTETS:
            self._link.end_with(replies.LINE_WITHOUT_END, "line_without_end")
            return b""
        if not end:
            return b""
        if end < len(octets):
            self._position = end
        else:
            self.drop_input()
        return octets[begin:end]

    def _read_content(self, reader: ContentReader) -> Rest:
        octets = self._input[self._position :]
        self.drop_input()
        self._link.deadlines.wait()
        rest = reader.feed(octets)
        if rest is not None:
            self._content_reader = None
            self._input = rest
            return self._after_content()
        if not reader.takes_turns:
            return None
        self._pause()
        return self._read_turns.wait()

    async def _finish(self, rest: Coroutine[object, object, None]) -> None:
        """Wait for the rest of a command, then go on with the input."""
        link = self._link
        try:
            await rest
        except LimitReached as error:
            link.end_at_limit(error)
        except ConnectionError:
            link.end_lost()
        finally:
            self._task = None
            link.deadlines.are_suspended = False
        link.deadlines.wait()
        self.go_on()

    # The output

    def reply(self, reply: str) -> None:
        """Send `reply`, together with the replies to the other commands that were received."""
        self._output += f"{reply}\r\n"

    def flush(self) -> None:
        """Send the replies so far."""
        if self._output:
            octets, self._output = self._output.encode(), ""
            self._link.write(octets)

    def read_content(self, reader: ContentReader, step: Step) -> None:
        """Give what is received next to `reader`; `step` goes on after the end of the content."""
        self._content_reader = reader
        self._after_content = step

    def close(self) -> None:
        """Drop the input, and what was not committed."""
        self.drop_input()
        if self._task is None:
            self._commands.close()
        else:
            self._task.cancel()
            self._task.add_done_callback(self._close_after_task)

    def _close_after_task(self, _task: asyncio.Task[None]) -> None:
        self._rest.close()  # A task that is cancelled before its first step has not begun it.
        self._commands.close()


def _nothing() -> None:
    pass

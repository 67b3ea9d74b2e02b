"""The checks before the running services are touched: host, commands, settings, database; then the migrations."""

import platform
import pwd
import shutil
import sys
from pathlib import Path

import resolvers

from installer import diagnostics, python_build, services
from installer.errors import Failed
from installer.host import ENVIRONMENT_FILE, Done, run, tell
from installer.releases import RELEASES

USER = "fake-email"
_FREE_OCTETS = 500_000_000
_MIGRATE_SECONDS = 900.0
_COMMANDS = ("smtp-ingest", "http-api", "fake-email")
_WRONG_ENVIRONMENT = 2


def fits(unpacked: Path) -> None:
    """Raise Failed when this release is for another kind of host, or the host lacks a user, a file or disk space."""
    target = (unpacked / "TARGET").read_text().split()
    own = [f"{sys.version_info.major}.{sys.version_info.minor}", platform.machine()]
    if target != own:
        raise Failed(
            f"the release is for Python {target[0]} on {target[1]}, this host has Python {own[0]} on {own[1]}: "
            f"make release PYTHON_VERSION={own[0]} ARCH={own[1]}"
        )
    if not python_build.of_this_python():
        tell(f"warning: the Python in {sys.base_prefix} was built without optimisations: 20 to 40 % slower services")
    try:
        pwd.getpwnam(USER)
    except KeyError:
        raise Failed(f"there is no user {USER}: run deploy/setup.sh first") from None
    if not ENVIRONMENT_FILE.exists():
        raise Failed(f"there is no {ENVIRONMENT_FILE}: run deploy/setup.sh first")
    if closed := resolvers.unreachable(unpacked / "deploy/systemd"):
        raise Failed(f"the units deny the resolver {' '.join(closed)} of this host: run this release's setup.sh first")
    RELEASES.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(RELEASES).free) < _FREE_OCTETS:
        raise Failed(f"{RELEASES} has {free // 1_000_000} MB free; a release needs up to 500 MB")


def try_out(release: Path) -> None:
    """Start each command, then check settings and database; raises Failed with the output of the failed command."""
    for command in _COMMANDS:
        done = as_service(release, command, "--version")
        if done.status:
            reasons = [*done.output.splitlines(), *diagnostics.of_release(release, command)]
            status = diagnostics.meaning(str(done.status))
            raise Failed("\n".join([f"{command} does not start (status {status})", *reasons]))
        tell(done.output)
    done = as_service(release, "fake-email", "check", "--before-migrate")
    if done.status == _WRONG_ENVIRONMENT:
        raise Failed(f"{ENVIRONMENT_FILE}: {done.output}")
    if done.status:
        raise Failed(done.output)
    tell(done.output)
    if services.state(services.SMTP_SOCKET).active != "active" and (holders := diagnostics.holders(25)):
        raise Failed("\n".join([f"{services.SMTP_SOCKET} is not active and cannot start:", *holders]))


def migrate(release: Path) -> None:
    """Apply the pending migrations; raises Failed, and then every migration before the failed one stays applied."""
    done = as_service(release, "fake-email", "migrate", seconds=_MIGRATE_SECONDS)
    tell(done.output)
    if done.status:
        raise Failed("a migration failed and was rolled back; the running release continues")


def as_service(release: Path, *command: str, seconds: float = 60.0) -> Done:
    """Run a command of the release as the units do: with their user, and systemd reads the environment file."""
    program = release / "venv/bin" / command[0]
    return run(
        *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--property=User={USER}"),
        *(f"--property=EnvironmentFile={ENVIRONMENT_FILE}", f"--property=WorkingDirectory={release}"),
        *(f"--property=RuntimeMaxSec={seconds:.0f}", "--", str(program), *command[1:]),
        seconds=seconds + 10,
    )

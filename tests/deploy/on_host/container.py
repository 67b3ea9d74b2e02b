"""Hosts to deploy to: containers that boot Debian with systemd (systemd-nspawn), on networks of their own.

Each container starts with the root file system of `container_root.py` and keeps its changes in memory. By hand:

    container.py start NAME | ssh NAME 'SHELL LINE' | put NAME FILE... DESTINATION | root NAME COMMAND | stop NAME
"""

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import container_root

ADDRESS = "10.77.0.2"
OUTSIDE_ADDRESS = "10.77.0.1"
ADMINISTRATOR = "admin"  # can use sudo, like the first user of a cloud host
GUEST = "guest"  # cannot use sudo

_STATE = Path("/run/fake-email-test")
_NAMED_NAMESPACES = Path("/run/netns")
_CGROUPS = Path("/sys/fs/cgroup")
_BOOT_SECONDS = 60.0
_STOP_SECONDS = 30.0
_MEMORY = "6g"
_CLONE_NEWNET = 0x40000000
_SSH = [
    *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
    *("-o", "ConnectTimeout=30", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"),
]


class Container:
    """One host. `name` is unique on this machine; Container(name) also gives access to a host that already runs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._state = _STATE / name
        self.root = self._state / "root"
        self.key = self._state / "key"
        self._inside, self._outside = f"{name}-inside", f"{name}-outside"

    def start(self) -> None:
        """Return when the host has booted; raises container_root.Unsupported when this machine cannot boot any."""
        lower = container_root.make()
        self._state.mkdir(parents=True)
        self._mount(lower)
        self._prepare()
        self._make_networks()
        self._boot()

    def _boot(self) -> None:
        with (self._state / "console").open("wb") as console:
            booted = subprocess.Popen(
                ["systemd-nspawn", *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                preexec_fn=self._join_cgroups,  # noqa: PLW1509  # nspawn makes its cgroup below the one it starts in
            )
        (self._state / "pid").write_text(str(booted.pid))
        booted.returncode = 0  # stop() waits for the process, perhaps in another one; without this, Popen warns
        self._wait_for_boot()

    def stop(self) -> None:
        """Power the host off and remove everything of it."""
        self._power_off()
        for mounted in (self.root, self._state / "memory"):
            subprocess.run(["umount", mounted], stderr=subprocess.DEVNULL, check=False)
        for namespace in (self._inside, self._outside):
            subprocess.run(["ip", "netns", "delete", namespace], stderr=subprocess.DEVNULL, check=False)
        for hierarchy in _hierarchies():
            for directory, _, _ in os.walk(hierarchy / self.name, topdown=False):
                Path(directory).rmdir()
        if not self.root.is_mount():
            shutil.rmtree(self._state, ignore_errors=True)

    def reboot(self) -> None:
        """Return when the host has booted again from its disk."""
        self._power_off()
        self._boot()

    def _power_off(self) -> None:
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):
            self._end(int((self._state / "pid").read_text()))

    def command(self, *command: str, user: str = ADMINISTRATOR) -> list[str]:
        """The command, for this machine, that runs a shell line on the host over ssh."""
        return [*self.outside(), "ssh", "-i", str(self.key), *_SSH, f"{user}@{ADDRESS}", *command]

    def outside(self) -> list[str]:
        """A command prefix that puts a command at the other end of the host's network."""
        return ["nsenter", f"--net={_NAMED_NAMESPACES / self._outside}"]

    def ssh(
        self, command: str, *, user: str = ADMINISTRATOR, check: bool = True, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell line on the host; stdout and stderr are text."""
        return _run(self.command(command, user=user), check=check, seconds=seconds)

    def put(self, *paths: Path, destination: str, user: str = ADMINISTRATOR) -> None:
        """Copy files and directories to the host."""
        remote = f"{user}@{ADDRESS}:{destination}"
        _run([*self.outside(), "scp", "-q", "-r", "-i", str(self.key), *_SSH, *map(str, paths), remote], seconds=60)

    def as_root(self, *command: str, check: bool = True, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command without ssh, as a unit of the container's systemd."""
        unit = ["/usr/bin/systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--setenv=HOME=/root", "--"]
        return _run([*self._enter(), *unit, *command], check=check, seconds=seconds)

    @contextmanager
    def network(self) -> Iterator[None]:
        """During the block, this thread creates its sockets at the other end of the container's network."""
        with Path("/proc/thread-self/ns/net").open("rb") as ours:
            with (_NAMED_NAMESPACES / self._outside).open("rb") as outside:
                _set_namespace(outside.fileno())
            try:
                yield
            finally:
                _set_namespace(ours.fileno())

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self.leader()}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]

    def leader(self) -> int:
        """The pid, on this machine, of the container's init; raises OSError or ValueError while there is none."""
        pid = (self._state / "pid").read_text()
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def _mount(self, lower: Path) -> None:
        memory = self._state / "memory"
        for directory in (memory, self.root):
            directory.mkdir()
        _run(["mount", "-t", "tmpfs", "-o", f"mode=755,size={_MEMORY}", "tmpfs", str(memory)])
        for directory in (memory / "upper", memory / "work"):
            directory.mkdir()
        layers = f"lowerdir={lower},upperdir={memory / 'upper'},workdir={memory / 'work'}"
        _run(["mount", "-t", "overlay", "-o", layers, "overlay", str(self.root)])

    def _prepare(self) -> None:
        _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)])
        for user in (ADMINISTRATOR, GUEST):
            home = self.root / "home" / user
            (home / ".ssh").mkdir(mode=0o700)
            shutil.copy(self.key.with_suffix(".pub"), home / ".ssh/authorized_keys")
            for path in (home / ".ssh", home / ".ssh/authorized_keys"):
                shutil.chown(path, home.stat().st_uid, home.stat().st_gid)
        (self.root / "etc/hostname").write_text(f"{self.name}\n")
        (self.root / "etc/resolv.conf").write_text(f"nameserver {OUTSIDE_ADDRESS}\n")
        with (self.root / "etc/hosts").open("a") as hosts:
            hosts.write(f"127.0.1.1 {self.name}\n")

    def _make_networks(self) -> None:
        for namespace in (self._inside, self._outside):
            _run(["ip", "netns", "add", namespace])
            _run(["ip", "-n", namespace, "link", "set", "lo", "up"])
        pair = ["type", "veth", "peer", "name", "host0", "netns", self._inside]
        _run(["ip", "-n", self._outside, "link", "add", "container0", *pair])
        for namespace, device, address in (
            (self._outside, "container0", OUTSIDE_ADDRESS),
            (self._inside, "host0", ADDRESS),
        ):
            _run(["ip", "-n", namespace, "address", "add", f"{address}/24", "dev", device])
            _run(["ip", "-n", namespace, "link", "set", device, "up"])
        _run(["ip", "-n", self._inside, "route", "add", "default", "via", OUTSIDE_ADDRESS])

    def _options(self) -> list[str]:
        return [
            *("--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe"),
            *(f"--directory={self.root}", f"--machine={self.name}", f"--hostname={self.name}"),
            f"--network-namespace-path={_NAMED_NAMESPACES / self._inside}",
            *("--resolv-conf=off", "--timezone=off", "--link-journal=no"),
            # For the firewall, and for IPAddressDeny=, which is a BPF program.
            *("--capability=CAP_NET_ADMIN,CAP_BPF", "--system-call-filter=bpf"),
        ]

    def _join_cgroups(self) -> None:
        for hierarchy in _hierarchies():
            (hierarchy / self.name).mkdir(exist_ok=True)
            (hierarchy / self.name / "cgroup.procs").write_text(str(os.getpid()))

    def _wait_for_boot(self) -> None:
        ends_at = time.monotonic() + _BOOT_SECONDS
        while time.monotonic() < ends_at:
            with suppress(OSError, ValueError, IndexError):
                if Path("/proc", str(self.leader()), "root", "run/systemd/private").is_socket():
                    waited = _run([*self._enter(), "systemctl", "is-system-running", "--wait"], check=False)
                    if waited.stdout.strip() == "running":
                        return
                    if waited.stdout.strip() == "degraded":
                        raise AssertionError(self.as_root("systemctl", "--failed", "--plain").stdout)
            time.sleep(0.05)
        raise AssertionError(f"did not boot: {(self._state / 'console').read_text(errors='replace')[-2_000:]}")

    def _end(self, pid: int) -> None:
        if "systemd-nspawn" not in Path(f"/proc/{pid}/cmdline").read_text():
            return
        for number in (signal.SIGTERM, signal.SIGKILL):  # the first is an orderly power-off
            os.kill(pid, number)
            ends_at = time.monotonic() + _STOP_SECONDS
            while time.monotonic() < ends_at:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                if not Path(f"/proc/{pid}").exists():
                    return
                time.sleep(0.05)


@contextmanager
def booted(name: str) -> Iterator[Container]:
    """Boot a new host for the block, and stop it afterwards."""
    container = Container(name)
    try:
        container.start()
        yield container
    finally:
        container.stop()


def _hierarchies() -> list[Path]:
    """The cgroup hierarchies to join: the unified one, or on a machine with both kinds also systemd's own."""
    hybrid = [each for each in (_CGROUPS / "systemd", _CGROUPS / "unified") if each.is_mount()]
    return hybrid or [_CGROUPS]


def _set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _run(command: list[str], *, check: bool = True, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"{shlex.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def main() -> None:
    task, name, *rest = sys.argv[1:]
    container = Container(name)
    if task == "start":
        container.start()
    elif task == "stop":
        container.stop()
    elif task == "put":
        container.put(*map(Path, rest[:-1]), destination=rest[-1])
    elif task == "ssh":
        command = container.command(*rest)
        os.execvp(command[0], command)
    else:
        done = container.as_root(*rest, check=False)
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()

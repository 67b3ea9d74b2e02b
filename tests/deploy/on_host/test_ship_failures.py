"""A release that does not work on the host: the output gives the reason, and the host keeps its previous release."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from altered import altered, change_wheel, replace_in
from shipping import Host, version_of

UNITS = "find /etc/systemd/system -name 'fake-email*' -type f -exec sha256sum {} + | sort"
ENVIRONMENT_FILE = "/etc/fake-email/env"
NOWHERE = "#!/nix/store/0000-python3-3.11/bin/python3"


def no_interpreter(unpacked: Path) -> None:
    (wheel,) = unpacked.glob("wheels/smtp_ingest-*.whl")
    named = "-".join(wheel.name.split("-")[:2])
    change_wheel(
        unpacked,
        "smtp_ingest",
        {
            f"{named}.dist-info/entry_points.txt": lambda _: b"",
            f"{named}.data/scripts/smtp-ingest": lambda _: f"{NOWHERE}\n".encode(),
        },
    )


def not_executable_in_its_unit(unpacked: Path) -> None:
    replace_in(unpacked / "deploy/systemd/fake-email-http-api.service", "ExecPaths=/opt/fake-email ", "ExecPaths=")


def another_python(unpacked: Path) -> None:
    (unpacked / "TARGET").write_text("3.12 x86_64\n")


def a_wheel_for_another_python(unpacked: Path) -> None:
    (wheel,) = unpacked.glob("wheels/granian-*.whl")
    wheel.rename(wheel.with_name(wheel.name.replace("cp311", "cp312")))


def an_import_error(unpacked: Path) -> None:
    change_wheel(unpacked, "http_api", {"http_api/serving/server.py": lambda old: b"import no_such_module\n" + old})


def a_library_that_is_missing(unpacked: Path) -> None:
    (wheel,) = unpacked.glob("wheels/granian-*.whl")
    with zipfile.ZipFile(wheel) as opened:
        compiled = next(name for name in opened.namelist() if name.endswith(".so"))
    change_wheel(unpacked, "granian", {compiled: lambda old: old.replace(b"libgcc_s.so.1", b"libgcc_s.so.9")})


def a_failing_migration(unpacked: Path) -> None:
    number = len(list(unpacked.glob("db/migrations/*.sql"))) + 1
    (unpacked / f"db/migrations/{number:04}_broken.sql").write_text("CREATE TABLE half (); SELECT 1 / 0;\n")


def an_end_after_5_seconds(unpacked: Path) -> None:
    end = b"    import threading\n    threading.Timer(5, os._exit, (3,)).start()\n"
    _insert(unpacked, "http_api/__main__.py", end, after=b".raise_file_limit()\n")


def an_end_at_the_first_mailbox(unpacked: Path) -> None:
    end = b"    import os\n    os._exit(3)\n"
    _insert(unpacked, "http_api/calls/create_address.py", end, after=b") -> TemporaryAddress:\n")


def _insert(unpacked: Path, module: str, lines: bytes, *, after: bytes) -> None:
    def rewrite(old: bytes) -> bytes:
        assert after in old
        return old.replace(after, after + lines)

    change_wheel(unpacked, "http_api", {module: rewrite})


@pytest.fixture
def broken(release: Path, tmp_path: Path) -> Callable[[Callable[[Path], None]], Path]:
    """A function that makes a broken release: the good one with `change` applied."""

    def make(change: Callable[[Path], None]) -> Path:
        return altered(release, tmp_path, change.__name__.replace("_", "-"), change)

    return make


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (no_interpreter, f"venv/bin/smtp-ingest begins with {NOWHERE}, which this host does not have"),
        (another_python, "the release is for Python 3.12 on x86_64, this host has Python 3.11 on x86_64"),
        (
            a_wheel_for_another_python,
            "_x86_64.whl is for another Python than this host's cp311",
        ),
        (an_import_error, "ModuleNotFoundError: No module named 'no_such_module'"),
        (a_library_that_is_missing, "libgcc_s.so.9 => not found"),
        (a_failing_migration, "_broken.sql failed and was rolled back: division by zero"),
    ],
)
def test_a_release_that_cannot_run_is_refused_before_the_running_services_are_touched(
    running: Host,
    release: Path,
    broken: Callable[[Callable[[Path], None]], Path],
    change: Callable[[Path], None],
    reason: str,
) -> None:
    before = running.root("systemctl show -P InvocationID fake-email-http-api fake-email-smtp-ingest")

    done = running.deploy(broken(change))

    assert done.returncode == 1
    assert reason in done.stdout
    assert "the running services were not touched" in done.stdout
    assert running.root("systemctl show -P InvocationID fake-email-http-api fake-email-smtp-ingest") == before
    assert running.version() == version_of(release)
    assert change.__name__.replace("_", "-") not in running.root("ls /opt/fake-email/releases")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (not_executable_in_its_unit, "203/EXEC"),
        (an_end_after_5_seconds, "fake-email-http-api.service ended"),
        (an_end_at_the_first_mailbox, "fake-email-http-api.service ended"),
    ],
)
def test_a_release_that_dies_is_rolled_back_with_the_reason(
    running: Host,
    release: Path,
    broken: Callable[[Callable[[Path], None]], Path],
    change: Callable[[Path], None],
    reason: str,
) -> None:
    units = running.root(UNITS)

    done = running.deploy(broken(change))

    assert done.returncode == 1
    assert reason in done.stdout
    assert f"the host runs {version_of(release)} again and is healthy" in done.stdout
    assert running.version() == version_of(release)
    assert running.root(UNITS) == units
    assert running.is_healthy()


def test_a_missing_variable_is_named_with_its_file(running: Host, release: Path) -> None:
    running.root(f"cp -p {ENVIRONMENT_FILE} /tmp/env && sed -i /^DOMAIN=/d {ENVIRONMENT_FILE}")

    done = running.deploy(release)

    running.root(f"cp -p /tmp/env {ENVIRONMENT_FILE}")
    assert done.returncode == 1
    assert f"{ENVIRONMENT_FILE}: DOMAIN: missing; it has no default" in done.stdout
    assert running.is_healthy()


def test_an_unreachable_database_is_reported(running: Host, release: Path) -> None:
    running.root("systemctl stop postgresql@15-main")

    done = running.deploy(release)

    running.root("systemctl start postgresql@15-main")
    assert done.returncode == 1
    assert "DATABASE_URL: the database cannot be reached (Connection refused)" in done.stdout
    assert "the running services were not touched" in done.stdout


def test_a_program_that_uses_port_25_is_named(running: Host, release: Path) -> None:
    running.root("systemctl stop fake-email-smtp-ingest.socket fake-email-smtp-ingest.service")
    running.root("systemd-run --unit=holder --property=Type=exec /usr/bin/nc -lk 0.0.0.0 25")
    running.root("timeout 60 sh -c 'until ss -Hltn sport = :25 | grep -q .; do sleep 0.1; done'")

    done = running.deploy(release)

    running.root(
        "systemctl stop holder && systemctl start fake-email-smtp-ingest.socket fake-email-smtp-ingest.service"
    )
    assert done.returncode == 1
    assert "port 25 is in use" in done.stdout
    assert '("nc",pid=' in done.stdout
    assert running.is_healthy()


def test_a_release_that_was_changed_after_its_build_is_refused(running: Host, release: Path, tmp_path: Path) -> None:
    def change(unpacked: Path) -> None:
        (unpacked / "deploy/install.sh").chmod(0o755)

    tarball = altered(release, tmp_path, "changed", change)
    running.container.put(tarball, destination="/home/admin")
    unpacked = "cd /home/admin && tar -xzf fake-email-changed.tar.gz && cd fake-email-changed"

    done = running.container.ssh(
        f"{unpacked} && echo >>requirements.txt && echo >more && rm TARGET && sudo -n deploy/install.sh", check=False
    )
    running.root("rm -r /home/admin/fake-email-changed*")  # other tests on this host look at the folder

    assert done.returncode == 1
    for fault in (
        "requirements.txt has another checksum",
        "more is not part of the release",
        "TARGET is missing",
    ):
        assert fault in done.stdout

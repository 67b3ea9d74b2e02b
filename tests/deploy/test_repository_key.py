"""The key of Caddy's package repository is taken only when it is the expected one, and alone in its file."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

IS_KEY = Path(__file__).parents[2] / "deploy/host_setup/is-key.sh"

pytestmark = pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not here")


class Keys:
    """Two keys with a subkey each, by their fingerprints."""

    def __init__(self, home: Path) -> None:
        self._environ = os.environ | {"GNUPGHOME": str(home)}
        for name in ("one", "other"):
            self._gpg("--quick-gen-key", f"{name}@example.org", "future-default", "default", "never")
        lines = self._gpg("--with-colons", "--list-keys").splitlines()
        self.one, self.other = (
            lines[number + 1].split(":")[9] for number, line in enumerate(lines) if line.startswith("pub:")
        )

    def write(self, path: Path, *fingerprints: str) -> Path:
        path.write_text(self._gpg("--armor", "--export", *fingerprints))
        return path

    def close(self) -> None:
        subprocess.run(["gpgconf", "--kill", "all"], env=self._environ, check=False)

    def _gpg(self, *arguments: str) -> str:
        command = ["gpg", "--batch", "--quiet", "--passphrase", "", *arguments]
        return subprocess.run(command, env=self._environ, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    keys = Keys(tmp_path_factory.mktemp("gnupg"))
    yield keys
    keys.close()


def is_taken(file: Path, fingerprint: str) -> bool:
    return subprocess.run([IS_KEY, file, fingerprint], check=False).returncode == 0


def test_the_expected_key_is_taken(keys: Keys, tmp_path: Path) -> None:
    assert is_taken(keys.write(tmp_path / "key", keys.one), keys.one)


def test_another_key_is_refused(keys: Keys, tmp_path: Path) -> None:
    assert not is_taken(keys.write(tmp_path / "key", keys.other), keys.one)


def test_a_second_key_beside_the_expected_one_is_refused(keys: Keys, tmp_path: Path) -> None:
    assert not is_taken(keys.write(tmp_path / "key", keys.one, keys.other), keys.one)


def test_a_file_without_a_key_is_refused(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("<html>")

    assert not is_taken(tmp_path / "key", keys.one)

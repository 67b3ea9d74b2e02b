"""The file with the settings of a host."""

from pathlib import Path

import msgspec
import pytest

from fake_email.doctor import settings_check, target
from fake_email.settings import Settings

SETTINGS = Settings(database_url="postgresql:///", domain=("mx.test",))


@pytest.mark.parametrize(("mode", "problem"), [(0o600, "passed"), (0o640, "settings_readable")])
async def test_only_root_may_read_the_settings_of_a_host(tmp_path: Path, mode: int, problem: str) -> None:
    file = tmp_path / "env"
    file.write_text("DOMAIN=mx.test\n")
    file.chmod(mode)
    host = target.of_settings(SETTINGS, env_file=file, is_host=True)

    [on_host] = await settings_check.check(host)
    [elsewhere] = await settings_check.check(msgspec.structs.replace(host, is_host=False))

    assert (on_host.id, elsewhere.id) == (problem, "passed")

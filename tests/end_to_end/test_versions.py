"""The version and the arguments of each command, without any setting."""

import importlib.metadata
import subprocess

import pytest
from support.harness import COMMANDS


@pytest.mark.parametrize("command", ["smtp-ingest", "http-api", "fake-email"])
def test_a_command_prints_its_version_without_any_setting(command: str) -> None:
    done = subprocess.run(
        [COMMANDS / command, "--version"], check=False, env={}, capture_output=True, text=True, timeout=20
    )

    assert done.returncode == 0
    assert done.stdout == f"{command} {importlib.metadata.version(command)}\n"


@pytest.mark.parametrize("command", ["smtp-ingest", "http-api"])
def test_a_service_rejects_an_unknown_argument(command: str) -> None:
    done = subprocess.run(
        [COMMANDS / command, "serve"], check=False, env={}, capture_output=True, text=True, timeout=20
    )

    assert done.returncode == 2
    assert done.stderr.startswith(f"usage: {command} ")

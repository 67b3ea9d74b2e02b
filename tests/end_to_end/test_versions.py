"""What each command says of itself, with nothing set up."""

import importlib.metadata
import subprocess

import pytest
from support.harness import COMMANDS


@pytest.mark.parametrize("command", ["smtp-ingest", "http-api", "fake-email"])
def test_a_command_tells_its_version_without_any_setting(command: str) -> None:
    told = subprocess.run(
        [COMMANDS / command, "--version"], check=False, env={}, capture_output=True, text=True, timeout=20
    )

    assert told.returncode == 0
    assert told.stdout == f"{command} {importlib.metadata.version(command)}\n"


@pytest.mark.parametrize("command", ["smtp-ingest", "http-api"])
def test_a_service_refuses_an_argument_it_does_not_know(command: str) -> None:
    told = subprocess.run(
        [COMMANDS / command, "serve"], check=False, env={}, capture_output=True, text=True, timeout=20
    )

    assert told.returncode == 2
    assert told.stderr.startswith(f"usage: {command} ")

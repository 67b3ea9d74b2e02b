"""The layers of each package: a module imports from its own layer and from the layers below it, never upward."""

import ast
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "fake_email": ROOT / "shared/src/fake_email",
    "smtp_ingest": ROOT / "services/smtp-ingest/src/smtp_ingest",
    "http_api": ROOT / "services/http-api/src/http_api",
    "fake_email_client": ROOT / "clients/python/src/fake_email_client",
}
# From the top down. A module belongs to the first pattern that it matches; `*` ends the list with all other modules.
LAYERS = {
    "fake_email": [
        ["__main__"],
        ["operator_tools*", "doctor*"],
        ["storage*", "parse", "bodies"],
        ["findings*"],
        ["html*", "parsed_message", "authentication"],
        ["mime*"],
        ["postgres*"],
        ["metrics*"],
        [
            "settings",
            "setting_names",
            "errors",
            "log",
            "command",
            "systemd",
            "batching",
            "client_network",
            "expected",
            "fair_turns",
            "mailbox_address",
            "once_a_minute",
        ],
    ],
    "http_api": [
        ["__main__", "serving.server"],
        ["app"],
        ["metrics"],
        ["edge*"],
        ["calls*"],
        ["live*"],
        ["schemas*"],
        ["serving*"],
        ["sanitize*", "openapi*"],
        ["protocol*"],
    ],
    "smtp_ingest": [
        ["__main__"],
        ["daemon"],
        ["metrics"],
        ["session"],
        ["mail_commands"],
        ["transaction"],
        ["content_reader", "refusals"],
        ["connection"],
        ["context", "responder"],
        ["counts"],
        ["reply_tables", "guard"],
        ["*"],
    ],
    "fake_email_client": [
        ["command", "mcp_server"],
        ["pytest_plugin", "command_calls", "mcp_results"],
        ["command_output", "command_send", "command_boxes"],
        ["command_terminal"],
        ["mail", "async_mail", "server_command"],
        ["core", "requests"],
        ["search", "stream", "new_mailbox"],
        ["method"],
        ["calls"],
        ["errors"],
        ["clauses", "schemas"],
        ["attempts", "authentication", "address", "printable"],
    ],
}


def modules(package: str) -> dict[str, Path]:
    """The modules of a package by their dotted names below it; "" is the package itself."""
    source = SOURCES[package]
    found = {}
    for path in source.rglob("*.py"):
        name = ".".join(path.relative_to(source).with_suffix("").parts)
        found[name.removesuffix("__init__").rstrip(".")] = path
    return found


def layer(package: str, module: str) -> int | None:
    """The number of the module's layer, 0 at the top; None when no pattern names the module."""
    for number, patterns in enumerate(LAYERS[package]):
        for pattern in patterns:
            if fnmatchcase(module, pattern):
                return number
    return None


def imported(package: str, path: Path) -> set[str]:
    """The modules of the same package that a file imports, by their dotted names below the package."""
    known = modules(package)
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    below = {name.removeprefix(f"{package}.") for name in names if name.startswith(f"{package}.")}
    return {name for name in below if name in known and known[name].name != "__init__.py"}


@pytest.mark.parametrize("package", LAYERS)
def test_every_module_has_a_layer(package: str) -> None:
    without = {name for name in modules(package) if name and layer(package, name) is None}

    assert without == set()


@pytest.mark.parametrize("package", LAYERS)
def test_every_pattern_of_a_layer_names_a_module(package: str) -> None:
    names = modules(package)

    unused = {
        pattern
        for patterns in LAYERS[package]
        for pattern in patterns
        if not any(fnmatchcase(name, pattern) for name in names)
    }

    assert unused == set()


@pytest.mark.parametrize("package", LAYERS)
def test_no_module_imports_from_a_layer_above_its_own(package: str) -> None:
    upward = {
        f"{name} imports {other}"
        for name, path in modules(package).items()
        if name
        for other in imported(package, path)
        if (layer(package, other) or 0) < (layer(package, name) or 0)
    }

    assert upward == set()

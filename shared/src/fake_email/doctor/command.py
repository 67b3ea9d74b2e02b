"""The command `fake-email doctor`: which installation is examined, and what is printed."""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from fake_email import setting_names
from fake_email.doctor import examination, report, settings_check, target
from fake_email.doctor.examination import Result
from fake_email.doctor.finding import GROUPS, exit_status
from fake_email.doctor.target import Target
from fake_email.errors import SettingsError
from fake_email.settings import Settings, dns_server, load

_ENV_FILES = (Path("/etc/fake-email/env"), Path(".env"))
_REQUIRED = {"DATABASE_URL", "DOMAIN"}
_AGAIN_SECONDS = 2.0
_WRONG_ARGUMENTS = 2
_WIDEST = 100


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Examine, print the findings, and return the exit status."""
    if (arguments.api or arguments.smtp) and not arguments.domain:
        sys.stderr.write("--api and --smtp are for another machine: name its domain too, with --domain\n")
        return _WRONG_ARGUMENTS
    try:
        examined = _with_options(_target(arguments, environ), arguments)
    except SettingsError as error:
        results = [Result(group="settings", findings=[settings_check.INVALID.found("settings", str(error))])]
    else:
        results = asyncio.run(_until_well(examined, arguments.only or GROUPS, arguments.wait))
    _print(_problems(results) if arguments.quiet else results, as_json=arguments.json)
    return exit_status(finding for result in results for finding in result.findings)


def _problems(results: list[Result]) -> list[Result]:
    """The results without the checks that passed."""
    left = [(each.group, [finding for finding in each.findings if finding.severity != "ok"]) for each in results]
    return [Result(group=group, findings=findings) for group, findings in left if findings]


def _target(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Target:
    if arguments.domain:
        return target.from_anywhere(tuple(arguments.domain), api=arguments.api, smtp=arguments.smtp)
    env_file = arguments.env_file
    if env_file is None and not environ.keys() >= _REQUIRED:
        env_file = next((path for path in _ENV_FILES if _is_there(path)), None)
    from_file = setting_names.read_file(env_file) if env_file else {}
    settings = load({name: value for name, value in from_file.items() if value} | dict(environ), Settings)
    return target.of_settings(settings, env_file=env_file, is_host=target.RELEASE.exists())


def _is_there(path: Path) -> bool:
    """True also for a file that this user may not look for: reading it then says why it cannot be read."""
    try:
        return path.exists()
    except PermissionError:
        return True


def _with_options(examined: Target, arguments: argparse.Namespace) -> Target:
    resolver = arguments.resolver
    if resolver is None and examined.settings and examined.settings.authentication_resolver:
        resolver = dns_server(examined.settings.authentication_resolver)
    return msgspec.structs.replace(
        examined,
        resolver=resolver,
        origins=(*examined.origins, *arguments.origin),
        migrations=arguments.migrations if arguments.migrations.exists() else target.RELEASE / arguments.migrations,
        disposable_domains=arguments.disposable_domains,
    )


async def _until_well(examined: Target, only: tuple[str, ...], seconds: float) -> list[Result]:
    """The results of the first examination without errors, or of the last one before the time is up."""
    ends_at = time.monotonic() + seconds
    while True:
        results = await examination.examine(examined, only)
        has_errors = any(finding.severity == "error" for result in results for finding in result.findings)
        if not has_errors or time.monotonic() + _AGAIN_SECONDS > ends_at:
            return results
        await asyncio.sleep(_AGAIN_SECONDS)


def _print(results: list[Result], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(report.json_lines(results))
        return
    is_terminal = sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns, _WIDEST) if is_terminal else None
    has_colours = is_terminal and may_colour(os.environ)
    sys.stdout.write(report.text(results, width=width, has_colours=has_colours))


def may_colour(environ: Mapping[str, str]) -> bool:
    """True unless NO_COLOR (no-color.org) or a terminal without colours forbids it. Pure."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

"""The settings: readable, complete, and for root's eyes only."""

import stat

from fake_email import setting_names
from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.target import Target
from fake_email.settings import VARIABLES

INVALID = Problem(
    id="settings_invalid",
    severity="error",
    why="The services do not start with these settings.",
    mend="mend the variable in /etc/fake-email/env, or in .env where make run reads it",
)
UNREAD = Problem(
    id="setting_unread",
    severity="warning",
    why="No program reads this variable, so a setting that it was meant for has its default.",
    mend="correct or remove the variable in {file}",
)
READABLE = Problem(
    id="settings_readable",
    severity="warning",
    why="The file contains the password of the database, and programs of other users can read it.",
    mend="`sudo chown root:root {file} && sudo chmod 600 {file}`",
)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


async def check(target: Target) -> list[Finding]:
    """Check the variables of the file, and on a host its mode; nothing from another machine."""
    if target.settings is None:
        return []
    file = target.env_file
    if file is None:
        return [passed("settings", "complete, from the environment")]
    found = [
        UNREAD.found(str(file), line, file=file)
        for line in setting_names.unread(setting_names.read_file(file), VARIABLES)
    ]
    mode = file.stat().st_mode
    if target.is_host and mode & _OTHERS:
        found.append(READABLE.found(str(file), f"mode {stat.S_IMODE(mode):o}", file=file))
    return found or [passed(str(file), "complete")]

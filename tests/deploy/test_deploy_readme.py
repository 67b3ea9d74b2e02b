"""The table of deploy/README.md describes every file of deploy/."""

import re
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"


def rows() -> list[tuple[str, str, str]]:
    """File, purpose and machine of each row."""
    table = (DEPLOY / "README.md").read_text()
    return re.findall(r"^\| `([^`|]+)` \| ([^|]+) \| ([^|]+) \|$", table, re.MULTILINE)


def test_the_table_names_every_file_of_deploy_once_and_no_other() -> None:
    files = [path.relative_to(DEPLOY) for path in DEPLOY.rglob("*") if path.is_file()]

    # An empty __init__.py only makes its folder a package.
    described = [str(file) for file in files if file.name != "__init__.py" and "__pycache__" not in file.parts]
    assert sorted(file for file, _, _ in rows()) == sorted(described)


def test_each_file_of_deploy_runs_on_the_host_or_the_build_machine_or_both() -> None:
    assert {machine for _, _, machine in rows()} == {"host", "build", "both"}

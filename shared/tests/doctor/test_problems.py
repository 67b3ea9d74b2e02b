"""Every problem that the doctor knows is provoked by a test, and described in docs/doctor.md."""

import ast
import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path

from fake_email import doctor
from fake_email.doctor.examination import CHECKS
from fake_email.doctor.finding import GROUPS, Problem

ROOT = Path(__file__).parents[3]
# Some problems only a host with systemd can have.
TESTS = [*Path(__file__).parent.glob("test_*.py"), ROOT / "tests/deploy/on_host/test_host_services.py"]


def problems() -> list[Problem]:
    """The problems that the modules of the doctor define."""
    modules = [
        importlib.import_module(each.name) for each in pkgutil.iter_modules(doctor.__path__, f"{doctor.__name__}.")
    ]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Problem)]


def test_no_two_problems_have_one_id() -> None:
    counts = Counter(problem.id for problem in problems())

    assert [id_ for id_, count in counts.items() if count > 1] == []


def test_a_test_provokes_each_problem() -> None:
    texts = {
        node.value
        for path in TESTS
        if path.exists()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant)
    }

    assert {problem.id for problem in problems()} - texts == set()


def test_the_documentation_has_each_problem_and_its_severity() -> None:
    page = (ROOT / "docs/doctor.md").read_text()

    rows = re.findall(r"^\| `(\w+)` \| (note|warning|error) \| \S", page, re.MULTILINE)

    assert sorted(rows) == sorted((problem.id, problem.severity) for problem in problems())


def test_each_group_has_a_check() -> None:
    assert tuple(CHECKS) == GROUPS


def test_the_documentation_names_each_group() -> None:
    page = (ROOT / "docs/doctor.md").read_text()

    assert [name for name in GROUPS if f"(`{name}`)" not in page] == []

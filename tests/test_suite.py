"""The checks of the suite on itself: no test is skipped, missed or called quick unseen."""

import os
from pathlib import Path

import pytest
from support.allowed_skips import SkipCheck
from support.quick import Quick
from support.reached import ReachedCheck

ROOT = Path(__file__).parents[1]
MISSED = "b/test_b.py: no target of the Makefile runs a test of this file"


def run(pytester: pytest.Pytester, plugin: object, *arguments: str) -> pytest.RunResult:
    """A run of pytest on the files that the test has made."""
    return pytester.runpytest_inprocess("-n0", "-pno:asyncio", *arguments, plugins=[plugin])


def test_a_skip_that_is_not_on_the_list_fails_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.skip(reason='later')\ndef test_it(): pass")

    result = run(pytester, SkipCheck())

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*::test_it: later"])


def test_a_file_that_skips_itself_fails_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\npytest.skip('later', allow_module_level=True)")

    result = run(pytester, SkipCheck())

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["the whole file is skipped: later"])


def test_a_test_file_that_nothing_runs_fails_the_whole_suite(pytester: pytest.Pytester) -> None:
    make_two(pytester, "test:\n\tvenv/bin/pytest\n")

    result = run(pytester, ReachedCheck())

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([MISSED])


def test_a_test_file_that_another_target_runs_is_not_missed(pytester: pytest.Pytester) -> None:
    make_two(pytester, "test:\n\tvenv/bin/pytest\nother:\n\tvenv/bin/pytest -n0 b\n")

    run(pytester, ReachedCheck()).stdout.no_fnmatch_line(MISSED)


def test_two_tests_with_one_id_fail_the_run_since_only_one_of_them_would_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        @pytest.mark.parametrize("before", ["", "-"])
        @pytest.mark.parametrize("after", ["", "-"])
        def test_it(before, after): pass
        """
    )

    result = run(pytester, ReachedCheck(), "test_it.py")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["test_it.py::test_it*: the id of 2 tests"])


def make_two(pytester: pytest.Pytester, makefile: str) -> None:
    """Two test files, of which the whole suite runs the first."""
    pytester.makeini("[pytest]\ntestpaths = a")
    for name in "ab":
        pytester.mkdir(name).joinpath(f"test_{name}.py").write_text("def test_it(): pass")
    pytester.path.joinpath("Makefile").write_text(makefile)


def test_a_quick_test_that_starts_a_process_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile("import os\ndef test_it(): os.system('true')\ndef test_other(): pass")
    pytester.makeconftest(
        "from support.quick import Quick\ndef pytest_configure(config): config.pluginmanager.register(Quick())"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(ROOT / each) for each in ("dev", "tests")))

    # In a process of its own: an audit hook is there for good.
    result = pytester.runpytest_subprocess("-n0", "-m", "quick")

    result.assert_outcomes(passed=1, failed=1)


def test_files_of_pure_tests_run_last(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_a="def test_it(): pass",
        test_b="import pytest, subprocess\n@pytest.mark.parametrize('it', [subprocess])\ndef test_it(it): pass",
    )

    result = run(pytester, Quick(), "-v")

    result.stdout.fnmatch_lines(["test_b.py::*", "test_a.py::*"])

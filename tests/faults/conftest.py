"""The stage of a file's trials; trials with the same stage share one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from faults.stage import Stage
from faults.trial import SHORT, Scale, Trial, Unsupported

# After a broken promise it takes several minutes to find out which one it was.
_PATIENCE = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    make: Callable[[Path, Scale], AbstractContextManager[Stage]] = request.param
    with ExitStack() as ends:
        try:
            stage = ends.enter_context(make(tmp_path_factory.mktemp("stage"), SHORT))
        except Unsupported as missing:
            pytest.skip(str(missing))
        yield stage


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with the parameter `trial` once for each of the file's TRIALS."""
    if "trial" in metafunc.fixturenames:
        trials: tuple[Trial, ...] = metafunc.module.TRIALS
        metafunc.parametrize(
            ("stage", "trial"),
            [pytest.param(each.stage, each, id=each.name, marks=_PATIENCE) for each in trials],
            indirect=["stage"],
            scope="module",
        )

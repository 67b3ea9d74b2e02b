"""No search for garbage among what pytest collects, which lives until the end of the run."""

import gc


class KeptTests:
    """A pytest plugin that keeps the garbage collector away from modules and tests: a seventh of the collection."""

    def pytest_collection(self) -> None:
        gc.disable()

    def pytest_collection_finish(self) -> None:
        gc.freeze()
        gc.enable()

"""The process that makes HTML safe: it makes the page that this process would make, and outlives no fault for long."""

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from http_api.sanitize import page
from http_api.sanitize.process import SanitizerProcess
from http_api.sanitize.work import Work

PNG = b"\x89PNG\r\n\x1a\n"
HTML = '<p style="color:red" onclick="x()">hello é<img src="cid:a"><img src="https://example.com/b.png">'
WORK = Work(html=HTML, images={"a": PNG}, remote=False, is_embedded=False)


@pytest.fixture
def sanitizer() -> Iterator[SanitizerProcess]:
    sanitizer = SanitizerProcess()
    try:
        yield sanitizer
    finally:
        sanitizer.end()


def test_it_makes_the_page_that_this_process_would_make(sanitizer: SanitizerProcess) -> None:
    made = page.page(HTML, {"a": PNG}, remote=False)

    done = sanitizer.do(WORK)

    assert (done.page.decode(), done.remote_images_blocked) == (made.text, made.remote_images_blocked) == (made.text, 1)


def test_it_is_started_anew_after_it_was_killed(sanitizer: SanitizerProcess) -> None:
    done = sanitizer.do(WORK)
    first = sanitizer.pid
    assert first
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)

    assert sanitizer.do(WORK) == done
    assert sanitizer.pid != first


def test_it_ends_with_the_process_that_started_it(sanitizer: SanitizerProcess) -> None:
    sanitizer.do(WORK)
    assert sanitizer.pid
    process = psutil.Process(sanitizer.pid)

    sanitizer.end()

    assert not process.is_running()

"""One deploy or rollback at a time: who is refused is told who holds the lock, whenever the two started."""

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from installer.errors import Failed
from installer.host_lock import held


def _deploy(lock: Path) -> str:
    with held(lock, "deploy"):
        return lock.read_text()


def test_who_is_refused_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"

    with held(lock, "rollback"), pytest.raises(Failed) as refused:
        _deploy(lock)

    assert str(refused.value) == (
        f"another one is running on this host (rollback, process {os.getpid()}): wait until it ends"
    )
    assert _deploy(lock) == f"deploy, process {os.getpid()}\n"


def test_who_comes_before_the_holder_has_written_its_name_waits_for_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"

    with ThreadPoolExecutor() as threads, lock.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        second = threads.submit(_deploy, lock)
        assert not wait([second], timeout=0.2).done
        holder.write("deploy, process 7\n")
        holder.flush()

        with pytest.raises(Failed, match=r"another one is running on this host \(deploy, process 7\)"):
            second.result()


def test_who_comes_while_the_holder_ends_takes_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"

    with ThreadPoolExecutor() as threads:
        with lock.open("w") as holder:
            fcntl.flock(holder, fcntl.LOCK_EX)
            second = threads.submit(_deploy, lock)

        assert second.result() == f"deploy, process {os.getpid()}\n"

"""Rate limits by client and minute, counted by all worker processes in one table.

The table is a file in memory, made before the workers are forked. It is a hash table of sets of slots: the window of a
client is in one set, and in a full set a new window replaces the oldest, so the table never grows. A process locks a
set with a lock of the kernel, which ends with the process. The table is valid after each single write, so a worker may
be killed at any moment.
"""

import fcntl
import mmap
import os
import secrets
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import msgspec

WINDOW_SECONDS = 60
SETS = 8_192
WAYS = 8
_WINDOW = WINDOW_SECONDS * 1_000_000_000
# The words of a slot: the client's key, when its window began, the number taken, and whether a refusal was logged.
_KEY, _BEGAN_AT, _TAKEN, _IS_LOGGED, _SLOT = range(5)
_SET = WAYS * _SLOT
_WORD_OCTETS = 8
_TABLE_OCTETS = SETS * _SET * _WORD_OCTETS
_SECRET_OCTETS = 32
_CACHED_KEYS = 8_192
_FREE = 0

# Each limit has the name of its setting.
LimitName = Literal["calls_per_minute", "creations_per_minute", "failed_tokens_per_minute", "tickets_per_minute"]


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A client may do this `number` times in a window."""

    name: LimitName
    number: int


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a client's window: `remaining` of `limit`, and the `seconds` (1 to 60) until the next window."""

    limit: Limit
    remaining: int
    seconds: int
    began_at: int
    is_refused: bool = False
    # True for one refusal in each window, which is logged.
    is_first_refusal: bool = False


def unlimited(limit: Limit, now: int) -> Count:
    """The count of a client that the limit does not apply to: all of it is left."""
    return Count(limit=limit, remaining=limit.number, seconds=WINDOW_SECONDS, began_at=now)


def new_table() -> int:
    """A file descriptor of an empty table, which forked processes inherit."""
    table = os.memfd_create("limits")
    os.ftruncate(table, _TABLE_OCTETS + _SECRET_OCTETS)
    # A client that could tell which clients share its set could drive their windows out of it.
    os.pwrite(table, secrets.token_bytes(_SECRET_OCTETS), _TABLE_OCTETS)
    return table


class Windows:
    """The windows in a table; `now` is in nanoseconds of the monotonic clock, which all processes share."""

    def __init__(self, table: int, *, is_shared: bool = True) -> None:
        self._table = table
        self._is_shared = is_shared  # else no other process uses the table, and locks are left out
        self._words = memoryview(mmap.mmap(table, _TABLE_OCTETS)).cast("Q")
        self._secret = os.pread(table, _SECRET_OCTETS, _TABLE_OCTETS)
        self._key = lru_cache(_CACHED_KEYS)(self._hash)

    def take(self, limit: Limit, network: int, now: int) -> Count:
        """Count one for the client, in a window that begins now unless one is open; past the limit, refuse instead."""
        key = self._key(limit.name, network)
        first = key % SETS * _SET
        self._lock(first)
        try:
            slot = self._find(first, key)
            if slot is None:
                slot = self._replace_oldest(first, key, now)
            elif now - self._words[slot + _BEGAN_AT] >= _WINDOW:
                self._begin(slot, now)
            taken = self._words[slot + _TAKEN] + 1
            if taken > limit.number:
                return self._refusal(limit, slot, now)
            self._words[slot + _TAKEN] = taken
            return self._count(limit, slot, now)
        finally:
            self._unlock(first)

    def peek(self, limit: Limit, network: int, now: int) -> Count:
        """The client's count, with nothing added."""
        key = self._key(limit.name, network)
        first = key % SETS * _SET
        self._lock(first)
        try:
            slot = self._find(first, key)
            if slot is None or now - self._words[slot + _BEGAN_AT] >= _WINDOW:
                return Count(limit=limit, remaining=limit.number, seconds=WINDOW_SECONDS, began_at=now)
            if self._words[slot + _TAKEN] >= limit.number:
                return self._refusal(limit, slot, now)
            return self._count(limit, slot, now)
        finally:
            self._unlock(first)

    def give_back(self, count: Count, network: int) -> Count:
        """Count one less in the window of `count`, if that is still in the table; nothing is less than none."""
        key = self._key(count.limit.name, network)
        first = key % SETS * _SET
        self._lock(first)
        try:
            slot = self._find(first, key)
            if slot is not None and self._words[slot + _BEGAN_AT] == count.began_at and self._words[slot + _TAKEN]:
                self._words[slot + _TAKEN] -= 1
        finally:
            self._unlock(first)
        return msgspec.structs.replace(count, remaining=min(count.remaining + 1, count.limit.number))

    def _hash(self, name: str, network: int) -> int:
        digest = blake2b(f"{name} {network}".encode(), key=self._secret, digest_size=_WORD_OCTETS).digest()
        return int.from_bytes(digest, "little") or 1

    def _find(self, first: int, key: int) -> int | None:
        for slot in range(first, first + _SET, _SLOT):
            if self._words[slot] == key:
                return slot
        return None

    def _replace_oldest(self, first: int, key: int, now: int) -> int:
        """A slot for the client: a free one, else that of the oldest window, which may still be open."""
        words = self._words
        slot = min(range(first, first + _SET, _SLOT), key=lambda slot: words[slot + _BEGAN_AT])
        words[slot] = _FREE
        self._begin(slot, now)
        words[slot] = key
        return slot

    def _begin(self, slot: int, now: int) -> None:
        # The slot has its old window, which is over, until the last of these three writes.
        self._words[slot + _TAKEN] = 0
        self._words[slot + _IS_LOGGED] = 0
        self._words[slot + _BEGAN_AT] = now

    def _count(self, limit: Limit, slot: int, now: int) -> Count:
        began_at = self._words[slot + _BEGAN_AT]
        return Count(
            limit=limit,
            remaining=limit.number - self._words[slot + _TAKEN],
            # Another process may have begun the window a moment after this one read the clock.
            seconds=min(-((now - began_at - _WINDOW) // 1_000_000_000), WINDOW_SECONDS),
            began_at=began_at,
        )

    def _refusal(self, limit: Limit, slot: int, now: int) -> Count:
        is_first = not self._words[slot + _IS_LOGGED]
        self._words[slot + _IS_LOGGED] = 1
        count = self._count(limit, slot, now)
        return msgspec.structs.replace(count, remaining=0, is_refused=True, is_first_refusal=is_first)

    # fcntl(2), "Advisory record locking": a process locks a range of the file, here one octet for each set.
    def _lock(self, first: int) -> None:
        if self._is_shared:
            fcntl.lockf(self._table, fcntl.LOCK_EX, 1, first)

    def _unlock(self, first: int) -> None:
        if self._is_shared:
            fcntl.lockf(self._table, fcntl.LOCK_UN, 1, first)

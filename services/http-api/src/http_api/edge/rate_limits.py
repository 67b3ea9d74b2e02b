"""How often each client did what it may do so many times a minute: one table that all worker processes count in.

The table is a file in memory, made before the workers are forked. It is a hash table of sets of slots: a client's
window has its place in one set, and in a set that is full the window that began first makes room, so the table never
grows. A set is locked while it is worked on, with a lock of the kernel's, which ends with the process that holds it.
What is written is written in an order that makes sense wherever it breaks off, so a worker may be killed at any moment.
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
# Of 8 octets: whose window, when it began, what was taken in it, whether it was said that there is no more.
_KEY, _BEGAN_AT, _TAKEN, _IS_TOLD, _SLOT = range(5)
_SET = WAYS * _SLOT
_WORD_OCTETS = 8
_TABLE_OCTETS = SETS * _SET * _WORD_OCTETS
_SECRET_OCTETS = 32
_MAX_KNOWN = 8_192
_FREE = 0

# Each limit has the name of its setting.
LimitName = Literal["calls_per_minute", "creations_per_minute", "failed_tokens_per_minute"]


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done `number` times in a window."""

    name: LimitName
    number: int


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client stands: how much is left of `limit`, and in how many seconds (1 to 60) all of it is back."""

    limit: Limit
    remaining: int
    seconds: int
    began_at: int
    is_refused: bool = False
    # True for one refusal in each window.
    is_news: bool = False


def new_table() -> int:
    """A file descriptor of a table in which nobody has done anything yet; forked processes inherit it."""
    table = os.memfd_create("limits")
    os.ftruncate(table, _TABLE_OCTETS + _SECRET_OCTETS)
    # Who could tell which clients share a set could drive others out of it.
    os.pwrite(table, secrets.token_bytes(_SECRET_OCTETS), _TABLE_OCTETS)
    return table


class Windows:
    """The windows in a table; `now` is in nanoseconds of the monotonic clock, which all processes share."""

    def __init__(self, table: int, *, is_shared: bool = True) -> None:
        self._table = table
        self._is_shared = is_shared  # or nobody else is there to lock it against
        self._words = memoryview(mmap.mmap(table, _TABLE_OCTETS)).cast("Q")
        self._secret = os.pread(table, _SECRET_OCTETS, _TABLE_OCTETS)
        self._key = lru_cache(_MAX_KNOWN)(self._hash)

    def take(self, limit: Limit, network: int, now: int) -> Count:
        """Count one more for the client, whose window begins now if none is open; none is counted past the limit."""
        key = self._key(limit.name, network)
        first = key % SETS * _SET
        self._lock(first)
        try:
            slot = self._find(first, key)
            if slot is None:
                slot = self._make_room(first, key, now)
            elif now - self._words[slot + _BEGAN_AT] >= _WINDOW:
                self._begin(slot, now)
            taken = self._words[slot + _TAKEN] + 1
            if taken > limit.number:
                return self._refusal(limit, slot, now)
            self._words[slot + _TAKEN] = taken
            return self._count(limit, slot, now)
        finally:
            self._unlock(first)

    def look(self, limit: Limit, network: int, now: int) -> Count:
        """Where the client stands, with nothing counted."""
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
        """Count one less in the window that `count` was taken in, if it is still there."""
        key = self._key(count.limit.name, network)
        first = key % SETS * _SET
        self._lock(first)
        try:
            slot = self._find(first, key)
            if slot is not None and self._words[slot + _BEGAN_AT] == count.began_at and self._words[slot + _TAKEN]:
                self._words[slot + _TAKEN] -= 1
        finally:
            self._unlock(first)
        return msgspec.structs.replace(count, remaining=count.remaining + 1)

    def _hash(self, name: str, network: int) -> int:
        digest = blake2b(f"{name} {network}".encode(), key=self._secret, digest_size=_WORD_OCTETS).digest()
        return int.from_bytes(digest, "little") or 1

    def _find(self, first: int, key: int) -> int | None:
        for slot in range(first, first + _SET, _SLOT):
            if self._words[slot] == key:
                return slot
        return None

    def _make_room(self, first: int, key: int, now: int) -> int:
        """A slot for the client: one that is free, else the one whose window began first, be it over or not."""
        words = self._words
        slot = min(range(first, first + _SET, _SLOT), key=lambda slot: words[slot + _BEGAN_AT])
        words[slot] = _FREE
        self._begin(slot, now)
        words[slot] = key
        return slot

    def _begin(self, slot: int, now: int) -> None:
        # Until the last of these the window is the one before, which is over.
        self._words[slot + _TAKEN] = 0
        self._words[slot + _IS_TOLD] = 0
        self._words[slot + _BEGAN_AT] = now

    def _count(self, limit: Limit, slot: int, now: int) -> Count:
        began_at = self._words[slot + _BEGAN_AT]
        return Count(
            limit=limit,
            remaining=limit.number - self._words[slot + _TAKEN],
            # Another process may have begun it a moment after this one looked at the clock.
            seconds=min(-((now - began_at - _WINDOW) // 1_000_000_000), WINDOW_SECONDS),
            began_at=began_at,
        )

    def _refusal(self, limit: Limit, slot: int, now: int) -> Count:
        is_news = not self._words[slot + _IS_TOLD]
        self._words[slot + _IS_TOLD] = 1
        return msgspec.structs.replace(self._count(limit, slot, now), remaining=0, is_refused=True, is_news=is_news)

    # fcntl(2), "Advisory record locking": on a range of the file, here one octet for each set, and the process's own.
    def _lock(self, first: int) -> None:
        if self._is_shared:
            fcntl.lockf(self._table, fcntl.LOCK_EX, 1, first)

    def _unlock(self, first: int) -> None:
        if self._is_shared:
            fcntl.lockf(self._table, fcntl.LOCK_UN, 1, first)

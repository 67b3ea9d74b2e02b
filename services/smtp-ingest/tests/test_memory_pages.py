"""The pages of large messages: the C library's bookkeeping says where it puts them."""

import subprocess
import sys

# In a process of its own, since an earlier test may have left enough memory free. hblkhd of mallinfo2(3) is the number
# of octets that have pages of their own.
_GROW = """
import ctypes
from smtp_ingest.__main__ import give_large_messages_own_pages

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks",
                                                     "fsmblks", "uordblks", "fordblks", "keepcost")]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Info
give_large_messages_own_pages()
larger = bytes(20_000_000)
del larger  # after this, glibc on its own would take the next 20 MB from the heap
before = mallinfo().hblkhd
growing = bytes(16_000_000)
print(mallinfo().hblkhd - before >= len(growing))
"""


def test_a_message_that_grows_has_pages_of_its_own_after_a_larger_one_was_dropped() -> None:
    ran = subprocess.run([sys.executable, "-c", _GROW], check=True, capture_output=True, text=True)

    assert ran.stdout.strip() == "True"

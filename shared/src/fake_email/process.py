"""What a service asks of its process before it serves."""

import resource
import sys

# A thread that parses gives the event loop its turn this soon; CPython's own 5 ms would be felt in each reply.
_SWITCH_SECONDS = 0.000_5


def prepare() -> None:
    """As many open files as the host allows, since each connection is one; and short turns for threads."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sys.setswitchinterval(_SWITCH_SECONDS)

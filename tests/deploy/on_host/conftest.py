"""Give pytest the fixtures of hosts.py, which is a module of its own so that its types are checked."""

from hosts import host, release, running

__all__ = ["host", "release", "running"]

"""Where pytest looks for what the tests here share; they have it from hosts.py, whose types are checked."""

from hosts import host, release, running

__all__ = ["host", "release", "running"]

"""The host that a release is for: its Python, its machine, and the wheels that fit them."""

import platform
import re
import sys
from collections.abc import Mapping
from functools import cached_property

import msgspec
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags

from release_build.errors import ReleaseError

# The oldest C library of a supported host: Ubuntu 22.04 has 2.35, Debian 12 has 2.36, Ubuntu 24.04 has 2.39.
_GLIBC = (2, 35)
# PEP 600: the names of manylinux tags before the tags contained a version.
_OLD_NAMES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_FLOOR = (3, 11)


class Target(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    python: str
    arch: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Target":
        """The target that PYTHON_VERSION and ARCH name, or this machine; raises ReleaseError for an unsupported one."""
        python = environ.get("PYTHON_VERSION") or f"{sys.version_info.major}.{sys.version_info.minor}"
        arch = environ.get("ARCH") or platform.machine()
        if not re.fullmatch(r"3\.[0-9]{1,2}", python) or tuple(map(int, python.split("."))) < _FLOOR:
            raise ReleaseError(f"PYTHON_VERSION: {python!r} is not 3.11 or newer, for example 3.12")
        if arch not in {"x86_64", "aarch64"}:
            raise ReleaseError(f"ARCH: {arch!r} is neither x86_64 nor aarch64")
        return cls(python=python, arch=arch)

    @property
    def abi(self) -> str:
        return f"cp{self.python.replace('.', '')}"

    @cached_property
    def platforms(self) -> list[str]:
        """The platform tags that fit the target, newest first."""
        major, newest = _GLIBC
        names = []
        for minor in range(newest, 4, -1):
            names.append(f"manylinux_{major}_{minor}_{self.arch}")
            if old := _OLD_NAMES.get((major, minor)):
                names.append(f"{old}_{self.arch}")
        return names

    @cached_property
    def tags(self) -> frozenset[Tag]:
        """Every tag that a wheel for this target can have."""
        version = tuple(map(int, self.python.split(".")))
        own = cpython_tags(python_version=version, abis=[self.abi], platforms=self.platforms)
        other = compatible_tags(python_version=version, interpreter=self.abi, platforms=self.platforms)
        return frozenset(own) | frozenset(other)

    def wants(self, marker: str) -> bool:
        """True when a requirement with this environment marker (PEP 508) applies to this target; "" always does."""
        environment = {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.arch,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }
        return not marker or Marker(marker).evaluate(environment)

"""Tell whether a Python was built with optimisations; dev/setup.sh and the installer ask.

Without profile-guided optimisation (configure --enable-optimizations) the services run 20 to 40 % slower.
"""

import re
import sys
import sysconfig

_IS_ENABLED = re.compile(r"--enable-optimizations(?!=no)")


def is_optimised(config_args: str, base_prefix: str) -> bool:
    """Judge by the arguments of configure, and by the place: distributions optimise, but Debian leaves no trace."""
    return base_prefix == "/usr" or _IS_ENABLED.search(config_args) is not None


def of_this_python() -> bool:
    return is_optimised(str(sysconfig.get_config_var("CONFIG_ARGS") or ""), sys.base_prefix)


if __name__ == "__main__":
    sys.exit(not of_this_python())

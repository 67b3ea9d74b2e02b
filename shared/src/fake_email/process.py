"""What a service asks of its process before it serves."""

import resource


def raise_file_limit() -> None:
    """Have as many open files as the host allows: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

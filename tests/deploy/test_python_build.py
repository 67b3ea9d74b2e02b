"""A Python that was built without optimisations is known as such."""

import pytest
from installer import python_build


@pytest.mark.parametrize(
    ("config_args", "base_prefix", "is_optimised"),
    [
        ("'--prefix=/usr/local' '--enable-optimizations' '--with-lto'", "/usr/local", True),
        ("'--enable-optimizations=yes'", "/opt/python", True),
        ("'--enable-shared' '--prefix=/usr'", "/usr", True),  # Debian's and Ubuntu's
        ("'--prefix=/home/me/.pyenv/versions/3.11.7'", "/home/me/.pyenv/versions/3.11.7", False),
        ("'--prefix=/usr/local' '--enable-optimizations=no'", "/usr/local", False),
        ("", "/opt/python", False),
    ],
)
def test_a_python_is_judged_by_its_configure_arguments_and_its_place(
    config_args: str, base_prefix: str, *, is_optimised: bool
) -> None:
    assert python_build.is_optimised(config_args, base_prefix) == is_optimised

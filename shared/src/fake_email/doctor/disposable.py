"""Public lists of disposable domains, in a file that the operator names; nothing is fetched."""

from pathlib import Path

from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.target import Target

LISTED = Problem(
    id="domain_listed",
    severity="warning",
    why="Websites that use such a list refuse addresses of this domain.",
    mend="add a domain that no list has to DOMAIN, with its DNS records",
)


def read(path: Path) -> frozenset[str]:
    """The domains of a file with one domain a line; raises OSError or UnicodeDecodeError."""
    lines = (line.strip().lower() for line in path.read_text().splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


async def check(target: Target) -> list[Finding]:
    """Look for each domain on the list; nothing without a list."""
    if target.disposable_domains is None:
        return []
    return [_look_up(domain, target.disposable_domains) for domain in target.domains]


def _look_up(domain: str, listed: frozenset[str]) -> Finding:
    """The finding for a domain; a parent on the list counts."""
    labels = domain.split(".")
    on_list = [name for number in range(len(labels)) if (name := ".".join(labels[number:])) in listed]
    return LISTED.found(domain, f"the list has {on_list[0]}") if on_list else passed(domain, "not on the list")

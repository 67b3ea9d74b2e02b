"""How the host is: what runs, answers and is found by DNS. Root runs it, since it reads the settings.

Exit status 0: all is well. 1: something failed, and the journal's lines that matter are shown.
"""

import argparse
import sys
import time
from pathlib import Path

import env_file
from host_checks import dns, mail, units, web
from host_checks.finding import Finding, Kind, failed, note

_CURRENT = Path("/opt/fake-email/current")
_AGAIN_SECONDS = 2.0


def look() -> list[Finding]:
    """Every check, in the order in which one stands on the other."""
    try:
        settings = env_file.read(env_file.PATH.read_text())
    except OSError as error:
        return [failed(str(env_file.PATH), error.strerror or str(error))]
    domains = [domain.strip().lower() for domain in settings["DOMAIN"].split(",")]
    found = dns.look(domains)
    if not _CURRENT.exists():
        return [note("release", "none yet: make deploy HOST=… where the sources are"), *found]
    return [*units.look(), *web.look(3001, f"api.{domains[0]}"), *mail.look(25, f"mail.{domains[0]}"), *found]


def main() -> None:
    parser = argparse.ArgumentParser(description="How the host is.")
    parser.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="for what failed to become well")
    ends_at = time.monotonic() + parser.parse_args().wait
    findings = look()
    while any(each.kind is Kind.FAIL for each in findings) and time.monotonic() < ends_at:
        time.sleep(_AGAIN_SECONDS)
        findings = look()
    for finding in findings:
        print(f"{finding.kind.value:5} {finding.what:32} {finding.detail}")
    counts = {kind: sum(finding.kind is kind for finding in findings) for kind in Kind}
    print(", ".join(f"{counts[kind]} {kind.value.lower()}" for kind in Kind))
    if counts[Kind.FAIL]:
        print("what the journal says of it:", *units.journal(), sep="\n  ")
        sys.exit(1)


if __name__ == "__main__":
    main()

"""Check the host: its units, whether the services answer, its DNS. Root runs this: it reads the settings.

Exit status 0: every check passed. 1: a check failed; the relevant lines of the journal are printed.
"""

import argparse
import sys
import time
from pathlib import Path

import env_file
from host_checks import dns, mail, resolver, units, web
from host_checks.finding import Finding, Kind, failed, note

_CURRENT = Path("/opt/fake-email/current")
_AGAIN_SECONDS = 2.0


def look() -> list[Finding]:
    """Run every check; a check comes after those that it depends on."""
    try:
        settings = env_file.read(env_file.PATH.read_text())
    except (OSError, env_file.Unclear) as error:
        return [failed(str(env_file.PATH), str(error))]
    domains = [domain.strip().lower() for domain in settings["DOMAIN"].split(",")]
    of_dns = [*dns.look(domains), *resolver.look()]
    if not _CURRENT.exists():
        return [note("release", "none yet: run make deploy HOST=… where the sources are"), *of_dns]
    return [*units.look(), *web.look(3001, f"api.{domains[0]}"), *mail.look(25, f"mail.{domains[0]}"), *of_dns]


def main() -> None:
    parser = argparse.ArgumentParser(description="Check this host.")
    parser.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="repeat failed checks for this long")
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
        print("relevant lines of the journal:", *units.journal(), sep="\n  ")
        sys.exit(1)


if __name__ == "__main__":
    main()

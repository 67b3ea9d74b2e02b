"""MTA-STS (RFC 8461): a domain that announces a policy must serve it, and the policy must list our mail host."""

import http.client

from fake_email.doctor import http_call
from fake_email.doctor.dns_lookup import Dns
from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.http_call import Site
from fake_email.doctor.in_thread import in_thread

MISSING = Problem(
    id="mta_sts_missing",
    severity="note",
    why="An attacker between a sender and this host can prevent encryption. A policy makes senders insist on it.",
    mend="docs/doctor.md has the records; fake-email works without them",
)
BROKEN = Problem(
    id="mta_sts_broken",
    severity="error",
    why="Senders that know the policy do not deliver when the mail host is not in it.",
    mend="serve the policy with `mx: {mail_host}` or remove the DNS record _mta-sts.{domain}",
)
_HTTPS_PORT = 443


async def check(dns: Dns, domain: str, mail_host: str) -> list[Finding]:
    """Check the record, and the policy behind it; raises LookupFailed."""
    about = f"MTA-STS {domain}"
    texts = await dns.values(f"_mta-sts.{domain}", "TXT")
    if not any(text.partition(";")[0].strip() == "v=STSv1" for text in texts):
        return [MISSING.found(about, "none")]
    host = f"mta-sts.{domain}"
    addresses = [*await dns.values(host, "A"), *await dns.values(host, "AAAA")]
    wrong = await in_thread(lambda: _wrong(host, addresses, mail_host))
    if wrong:
        return [BROKEN.found(about, wrong, domain=domain, mail_host=mail_host)]
    return [passed(about, f"a policy that lists {mail_host}")]


def _wrong(host: str, addresses: list[str], mail_host: str) -> str:
    """The reason why the policy of this host is unfit, or an empty text."""
    if not addresses:
        return f"{host} has no address"
    site = Site(url=f"https://{host}", connect_to=(addresses[0], _HTTPS_PORT))
    try:
        response = http_call.call(site, "GET", "/.well-known/mta-sts.txt")
    except (OSError, http.client.HTTPException) as error:
        return f"{host}: {http_call.why(error)}"
    if response.status != http.client.OK:
        return f"{host} responds {response.status}"
    return policy_problem(response.body.decode(errors="replace"), mail_host)


def policy_problem(policy: str, mail_host: str) -> str:
    """The reason why a policy does not allow mail for this host, or an empty text. Pure."""
    lines = (line.partition(":") for line in policy.splitlines())
    fields = [(name.strip(), value.strip().lower()) for name, _, value in lines]
    if ("version", "stsv1") not in fields:
        return "the policy does not begin with version: STSv1"
    hosts = [value for name, value in fields if name == "mx"]
    wildcard = f"*.{mail_host.partition('.')[2]}"
    if mail_host in hosts or wildcard in hosts or ("mode", "none") in fields:
        return ""
    return f"the policy lists {' '.join(hosts) or 'no host'}, not {mail_host}"

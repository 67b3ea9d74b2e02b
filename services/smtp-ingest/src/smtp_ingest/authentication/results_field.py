"""Our field Authentication-Results (RFC 8601), by authres; strangers have chosen the domains in it. Pure."""

import re

from authres import (
    AuthenticationResultsHeader,
    DKIMAuthenticationResult,
    IPRevAuthenticationResult,
    SPFAuthenticationResult,
)
from authres.arc import ARCAuthenticationResult
from authres.core import AuthenticationResult
from authres.dmarc import DMARCAuthenticationResult

from fake_email import client_network
from fake_email.authentication import Authentication

# The characters that the field may have without quotation marks; all others are left out.
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,253}")
_FOLD = ";\r\n\t"


def value(authentication: Authentication, *, own_name: str, client_address: str, is_bounce: bool) -> str:
    """The value of the field, folded; `own_name` is the authserv-id."""
    results: list[AuthenticationResult] = []
    if spf := authentication.spf:
        domain = _plain(spf.domain)
        identity = {"smtp_helo": domain} if is_bounce else {"smtp_mailfrom": domain}
        results.append(SPFAuthenticationResult(result=spf.result, **identity))
    results += [
        DKIMAuthenticationResult(
            result=each.result,
            header_d=_plain(each.domain),
            header_s=_plain(each.selector),
            header_a=_plain(each.algorithm),
        )
        for each in authentication.dkim
    ]
    if authentication.spf and not authentication.dkim:
        results.append(DKIMAuthenticationResult(result="none"))
    if arc := authentication.arc:
        results.append(ARCAuthenticationResult(result=arc.result))
    if dmarc := authentication.dmarc:
        results.append(DMARCAuthenticationResult(result=dmarc.result, header_from=_plain(dmarc.domain)))
    if reverse_dns := authentication.reverse_dns:
        address = client_address if client_network.parse_address(client_address) else None
        results.append(IPRevAuthenticationResult(result=reverse_dns.result, policy_iprev=address))
    header = AuthenticationResultsHeader(authserv_id=own_name, results=results)
    return str(header.header_value()).replace("; ", _FOLD)


def _plain(text: str | None) -> str | None:
    return text if text and _PLAIN.fullmatch(text) else None

"""The example of the check of a sender in the API document."""

from fake_email.authentication import (
    Authentication,
    DmarcResult,
    DnsRecord,
    HeaderFinding,
    MethodResult,
    SignatureResult,
)

AUTHENTICATION_EXAMPLE = Authentication(
    status="checked",
    spf=MethodResult(
        result="pass",
        reason="example.com lets 192.0.2.1 send (ip4:192.0.2.0/24)",
        domain="example.com",
        records=(DnsRecord(name="example.com", type="TXT", value="v=spf1 ip4:192.0.2.0/24 -all"),),
    ),
    dkim=(
        SignatureResult(
            result="pass",
            reason="example.com has signed the message",
            domain="example.com",
            records=(DnsRecord(name="s1._domainkey.example.com", type="TXT", value="v=DKIM1; k=rsa; p=MIIBIjAN"),),
            selector="s1",
            algorithm="rsa-sha256",
        ),
    ),
    arc=MethodResult(result="none", reason="no forwarder has sealed the message"),
    dmarc=DmarcResult(
        result="pass",
        reason="example.com is confirmed by SPF and DKIM by example.com",
        domain="example.com",
        records=(DnsRecord(name="_dmarc.example.com", type="TXT", value="v=DMARC1; p=reject"),),
        policy="reject",
        organizational_domain="example.com",
    ),
    tls=MethodResult(result="pass", reason="TLSv1.3 TLS_AES_256_GCM_SHA384"),
    reverse_dns=MethodResult(
        result="pass",
        reason="192.0.2.1 is mta.example.com",
        domain="mta.example.com",
        records=(
            DnsRecord(name="1.2.0.192.in-addr.arpa", type="PTR", value="mta.example.com"),
            DnsRecord(name="mta.example.com", type="A", value="192.0.2.1"),
        ),
    ),
    unsubscribe=MethodResult(result="none", reason="the message has no List-Unsubscribe"),
    header=(HeaderFinding(fault="missing_field", reason="Message-ID is missing"),),
)

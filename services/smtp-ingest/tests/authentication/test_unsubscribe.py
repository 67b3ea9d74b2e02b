"""One-click unsubscribe passes when both fields are right and signed."""

import pytest
from support.signed_mail import MAIL, signed

from fake_email.authentication import SignatureResult
from smtp_ingest.authentication import signatures, unsubscribe

PASS, FAIL = (SignatureResult(result="pass", reason=""),), (SignatureResult(result="fail", reason=""),)
LIST = b"List-Unsubscribe: <mailto:u@example.com>,\r\n <https://example.com/u>\r\n"
POST = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
ALL = (b"from", b"list-unsubscribe", b"list-unsubscribe-post")


@pytest.mark.parametrize(
    ("content", "dkim", "result", "reason"),
    [
        (MAIL, (), "none", "no List-Unsubscribe"),
        (signed(LIST + POST + MAIL, fields=ALL), PASS, "pass", "one request"),
        (signed(LIST + POST + MAIL, fields=ALL), FAIL, "fail", "no valid DKIM signature"),
        (signed(LIST + POST + MAIL, fields=ALL[:2]), PASS, "fail", "no valid DKIM signature"),
        (LIST + POST + MAIL, (), "fail", "no valid DKIM signature"),
        (LIST + MAIL, (), "fail", "List-Unsubscribe-Post"),
        (LIST + POST.replace(b"One-Click", b"Click") + MAIL, (), "fail", "List-Unsubscribe-Post"),
        (LIST.replace(b"https", b"http") + POST + MAIL, (), "fail", "no https link"),
    ],
)
def test_the_fields_and_the_signature_decide(
    content: bytes, dkim: tuple[SignatureResult, ...], result: str, reason: str
) -> None:
    found = unsubscribe.check(signatures.read_header(content).fields, dkim)

    assert (found.result, reason in found.reason) == (result, True), found.reason

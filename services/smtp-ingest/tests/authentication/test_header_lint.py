"""The findings in a header section, each kind once, and none in good mail."""

import pytest
from support.signed_mail import MAIL

from smtp_ingest.authentication import header_lint

OWN = ("mx.test", "other.test")


def found(content: bytes, *, is_utf8: bool = False) -> list[tuple[str, str]]:
    return [(each.fault, each.reason) for each in header_lint.find(content, is_utf8=is_utf8, own_names=OWN)]


def test_good_mail_has_no_finding() -> None:
    assert found(MAIL) == []
    assert found(MAIL.replace(b"Hello\r\nDate", "Grüße\r\nDate".encode()), is_utf8=True) == []


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (MAIL.replace(b"Date:", b"X-Date:"), "missing_field", "Date is missing"),
        (MAIL.replace(b"Message-ID:", b"X-ID:"), "missing_field", "Message-ID is missing"),
        (b"Subject: Twice\r\n" + MAIL, "repeated_field", "Subject is there 2 times"),
        (b"DKIM-Signature: x\r\n" * 6 + MAIL, "too_many_signatures", "of 6 DKIM signatures"),
        (MAIL.replace(b"<ann@example.com>", b""), "bad_address", "From has no address"),
        (MAIL.replace(b"From: Ann <ann@example.com>", b"From: a@a.example, b@b.example"), "bad_address", "2 addresses"),
        (MAIL.replace(b"30 Nov 2026", b"yesterday"), "bad_date", "cannot be read"),
        (MAIL.replace(b"<1@example.com>", b"1"), "bad_message_id", "<name@domain>"),
        (b"Authentication-Results: (a) MX.test.; spf=pass\r\n" + MAIL, "forged_results", "MX.test"),
        (MAIL + b"x" * 999 + b"\r\n", "line_too_long", "line 9 has more than 998 bytes"),
        (MAIL.replace(b"Hello,\r\n", b"Hello,\n"), "bad_line_end", "line 7"),
        (MAIL.replace(b"Hello\r\nDate", "Grüße\r\nDate".encode()), "not_ascii", "SMTPUTF8"),
        (MAIL.replace(b"Subject:", b"Subject :"), "bad_field_name", "subject and its colon"),
        (b"X no field\r\n" + MAIL, "bad_field_name", "X no field"),
    ],
)
def test_each_fault_is_found(content: bytes, code: str, reason: str) -> None:
    [(found_code, found_reason)] = found(content)

    assert (found_code, reason in found_reason) == (code, True), found_reason


def test_another_server_may_have_added_its_results() -> None:
    assert found(b"Authentication-Results: mx.example; spf=pass\r\n" + MAIL) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"\r\n", b"\x00" * 1_000, b":" * 100_000, b"a:\n" * 100_000, b"From:" + b"<" * 200_000, b"\r" * 100_000],
)
def test_hostile_content_has_few_findings(content: bytes) -> None:
    assert 0 < len(found(content)) <= 20

"""DKIM: a signature is verified with its key, and each way in which it is bad has its reason."""

import base64

import pytest
from support.signed_mail import MAIL, ed25519_key, rsa_key, signed

from fake_email.authentication import SignatureResult
from smtp_ingest.authentication import dkim_check, signatures
from smtp_ingest.authentication.questions import Answer, Question

KEY = Question(name="s1._domainkey.example.com", type="TXT")
# RSAPublicKey (RFC 8017 §A.1.1) of 512 bits.
SHORT_KEY = base64.b64encode(bytes.fromhex("30480241 00") + b"\xc3" * 64 + bytes.fromhex("0203010001")).decode()
RSA = {KEY: Answer(values=(rsa_key()[1],))}


def checked(content: bytes, answers: dict[Question, Answer]) -> tuple[SignatureResult, ...]:
    return dkim_check.check(answers, signatures.read_header(content), content)


@pytest.mark.parametrize("algorithm", ["rsa-sha256", "ed25519-sha256"])
def test_a_signature_of_each_algorithm_passes(algorithm: str) -> None:
    _, record = rsa_key() if algorithm == "rsa-sha256" else ed25519_key()

    [found] = checked(signed(algorithm=algorithm), {KEY: Answer(values=(record,))})

    assert (found.result, found.domain, found.selector, found.algorithm) == ("pass", "example.com", "s1", algorithm)
    assert [(each.name, each.value) for each in found.records] == [(KEY.name, record)]


def test_the_question_is_about_the_key_of_each_signature() -> None:
    content = signed(signed(selector="s2", domain="other.example"))

    found = dkim_check.questions(signatures.read_header(content))

    assert [each.name for each in found] == ["s1._domainkey.example.com", "s2._domainkey.other.example"]


@pytest.mark.parametrize(
    ("content", "answer", "result", "reason"),
    [
        (signed() + b"P.S.\r\n", RSA[KEY], "fail", "the body is not the one"),
        (signed().replace(b"Subject: Hello", b"Subject: Bye"), RSA[KEY], "fail", "does not fit"),
        (signed(), Answer(), "permerror", "has no key"),
        (signed(), Answer(values=("v=DKIM1; p=",)), "permerror", "revoked"),
        (signed(), Answer(values=("v=DKIM1; p=AAAA",)), "permerror", "cannot be read"),
        (signed(), Answer(values=("v=DKIM1; p=" + "A" * 2_000,)), "permerror", "more than 1024 characters"),
        (signed(), Answer(failure="no answer in time"), "temperror", "no answer in time"),
        (signed(), Answer(values=(f"v=DKIM1; p={SHORT_KEY}",)), "permerror", "fewer than 1024 bits"),
        (signed(algorithm="rsa-sha1"), RSA[KEY], "permerror", "rsa-sha1"),
        (signed().replace(b"from : ", b""), RSA[KEY], "permerror", "From is not signed"),
        (b"DKIM-Signature: " + b"x" * 9_000 + b"\r\n" + MAIL, RSA[KEY], "permerror", "more than 4096 bytes"),
        (b"DKIM-Signature: x\r\n" + MAIL, RSA[KEY], "permerror", "no list of tags"),
        (signed().replace(b"; t=", b"; t=9"), RSA[KEY], "permerror", "future"),
    ],
)
def test_a_bad_signature_has_its_reason(content: bytes, answer: Answer, result: str, reason: str) -> None:
    [found] = checked(content, {KEY: answer})

    assert (found.result, reason in found.reason) == (result, True), found.reason


def test_a_signature_of_a_part_of_the_body_or_as_a_test_passes_and_says_so() -> None:
    [found] = checked(signed(has_length=True) + b"More.\r\n", {KEY: Answer(values=(f"{rsa_key()[1]}; t=y",))})

    assert found.result == "pass"
    assert "the first" in found.reason
    assert "as a test" in found.reason


def test_the_first_five_signatures_are_checked() -> None:
    content = MAIL
    for _ in range(6):
        content = signed(content)

    assert [each.result for each in checked(content, RSA)] == ["pass"] * 5


def test_mail_that_is_not_signed_or_cannot_be_read_has_no_result() -> None:
    assert checked(MAIL, RSA) == ()
    assert checked(b"no field\r\n" + signed(), RSA) == ()
    assert checked(b" folded\r\n" + signed(), RSA) == ()

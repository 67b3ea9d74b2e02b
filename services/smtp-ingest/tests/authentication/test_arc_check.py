"""ARC: a chain of forwarders is verified with their keys."""

import pytest
from support.signed_mail import MAIL, rsa_key, sealed, signed

from smtp_ingest.authentication import arc_check, signatures
from smtp_ingest.authentication.questions import Answer, Question

KEY = Question(name="s1._domainkey.forwarder.example", type="TXT")
ANSWERS = {KEY: Answer(values=(rsa_key()[1],))}
SEALED = sealed(signed())


def checked(content: bytes, answers: dict[Question, Answer]) -> tuple[str, str]:
    found = arc_check.check(answers, signatures.read_header(content), content)
    return found.result, found.reason


def test_a_chain_passes_with_the_keys_that_it_asks_for() -> None:
    found = arc_check.check(ANSWERS, signatures.read_header(SEALED), SEALED)

    assert arc_check.questions(signatures.read_header(SEALED)) == [KEY]
    assert (found.result, found.domain, [each.name for each in found.records]) == (
        "pass",
        "forwarder.example",
        [KEY.name],
    )


@pytest.mark.parametrize(
    ("content", "answer", "result", "reason"),
    [
        (MAIL, Answer(), "none", "no forwarder"),
        (SEALED + b"P.S.\r\n", ANSWERS[KEY], "fail", "Most recent ARC-Message-Signature"),
        (SEALED, Answer(), "fail", "has no key"),
        (SEALED, Answer(failure="no answer in time"), "temperror", "no answer in time"),
        (SEALED.replace(b"ARC-Seal: i=1", b"ARC-Seal: i=0"), ANSWERS[KEY], "permerror", "no number"),
        (SEALED.replace(b"a=rsa-sha256", b"a=rsa-sha1"), ANSWERS[KEY], "permerror", "rsa-sha256"),
        (b"ARC-Seal: i=1; a=rsa-sha256\r\n" * 21 + MAIL, Answer(), "permerror", "more than 10 sets"),
        (b"ARC-Seal: i=1; a=rsa-sha256\r\n" + MAIL, Answer(), "fail", "Incomplete"),
    ],
)
def test_a_bad_chain_has_its_reason(content: bytes, answer: Answer, result: str, reason: str) -> None:
    found = checked(content, {KEY: answer})

    assert (found[0], reason in found[1]) == (result, True), found

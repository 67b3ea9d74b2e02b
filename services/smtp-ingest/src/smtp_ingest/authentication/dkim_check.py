"""DKIM (RFC 6376, RFC 8301, RFC 8463) by dkimpy, with keys that were looked up before. Pure."""

import dkim

from fake_email.authentication import Outcome, SignatureResult
from smtp_ingest.authentication import keys, signatures
from smtp_ingest.authentication.keys import KeyBook
from smtp_ingest.authentication.questions import Answers, Question, printable, shown
from smtp_ingest.authentication.signatures import MAX_SIGNATURES, ReadHeader, Tags

ALGORITHMS = ("rsa-sha256", "ed25519-sha256")
_CHARACTERS = 255
_REASON_CHARACTERS = 300


def questions(header: ReadHeader) -> list[Question]:
    """The questions about the keys of the first signatures."""
    found = [signatures.tags(value).key for value in signatures.of_dkim(header.fields)[:MAX_SIGNATURES]]
    return [*dict.fromkeys(each for each in found if each)]


def check(answers: Answers, header: ReadHeader, content: bytes) -> tuple[SignatureResult, ...]:
    """The result of each of the first signatures, in the order of the header section."""
    values = signatures.of_dkim(header.fields)[:MAX_SIGNATURES]
    message = dkim.DKIM(content, minkey=keys.MIN_RSA_BITS) if values else None
    return tuple(_check(answers, signatures.tags(value), message, number) for number, value in enumerate(values))


def _check(answers: Answers, tags: Tags, message: dkim.DKIM, number: int) -> SignatureResult:
    outcome, reason = _before_key(tags) or _of_key(answers, tags) or _verify(answers, tags, message, number)
    asked = [tags.key] if tags.key else []
    return SignatureResult(
        result=outcome,
        reason=printable(reason)[:_REASON_CHARACTERS],
        domain=printable(tags.domain)[:_CHARACTERS] or None,
        records=shown(answers, asked),
        selector=printable(tags.selector)[:_CHARACTERS] or None,
        algorithm=printable(tags.algorithm)[:_CHARACTERS] or None,
    )


def _before_key(tags: Tags) -> tuple[Outcome, str] | None:
    if tags.fault:
        return "permerror", tags.fault
    if tags.algorithm not in ALGORITHMS:
        # RFC 8301 §3.1: rsa-sha1 must not be taken for a signature.
        return "permerror", f"the algorithm {tags.algorithm or '(none)'} is neither rsa-sha256 nor ed25519-sha256"
    if "from" not in tags.signed:
        return "permerror", "From is not signed"  # RFC 6376 §6.1.1
    return None


def _of_key(answers: Answers, tags: Tags) -> tuple[Outcome, str] | None:
    asked = tags.key
    if asked and asked in answers and answers[asked].failure:
        return "temperror", f"{asked.name}: {answers[asked].failure}"
    fault = keys.fault(answers, asked)
    return ("permerror", fault) if fault else None


def _verify(answers: Answers, tags: Tags, message: dkim.DKIM, number: int) -> tuple[Outcome, str]:
    try:
        is_valid = message.verify(number, dnsfunc=KeyBook(answers))
    except dkim.ValidationError as error:
        if "body hash mismatch" in str(error):
            return "fail", "the body is not the one that was signed"
        return "permerror", str(error)
    except dkim.DKIMException as error:
        return "permerror", str(error)
    except Exception as error:  # noqa: BLE001  # the edge to dkimpy, which did not foresee this field
        return "permerror", f"the signature cannot be read ({type(error).__name__})"
    if not is_valid:
        return "fail", "the signature does not fit the header section and the key"
    notes = [f"{tags.domain} has signed the message"]
    if tags.body_octets is not None:
        notes.append(f"the first {tags.body_octets} bytes of the body alone")
    if keys.is_testing(keys.of(answers, tags.key)):
        notes.append("as a test")
    return "pass", ", ".join(notes)

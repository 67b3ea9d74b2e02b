"""ARC (RFC 8617) by dkimpy, with keys that were looked up before. Pure."""

import dkim

from fake_email.authentication import MethodResult, Outcome
from smtp_ingest.authentication import keys, signatures
from smtp_ingest.authentication.keys import KeyBook
from smtp_ingest.authentication.questions import Answers, Question, printable, shown
from smtp_ingest.authentication.signatures import MAX_ARC_SETS, ReadHeader, Tags

_REASON_CHARACTERS = 300


def questions(header: ReadHeader) -> list[Question]:
    """The questions about the keys of all sets; none when there are too many sets."""
    values = signatures.of_arc(header.fields)
    if len(values) > 2 * MAX_ARC_SETS:
        return []
    found = [signatures.tags(value).key for value in values]
    return [*dict.fromkeys(each for each in found if each)]


def check(answers: Answers, header: ReadHeader, content: bytes) -> MethodResult:
    """The state of the chain of forwarders that have signed the message."""
    values = signatures.of_arc(header.fields)
    if not values:
        return MethodResult(result="none", reason="no forwarder has sealed the message")
    asked = questions(header)
    newest = max(values, key=lambda value: signatures.arc_instance(value) or 0)
    outcome, reason = _before_keys(answers, values, asked) or _verify(answers, content)
    return MethodResult(
        result=outcome,
        reason=printable(reason)[:_REASON_CHARACTERS],
        domain=printable(signatures.tags(newest).domain)[:255] or None,
        records=shown(answers, asked),
    )


def _before_keys(answers: Answers, values: list[bytes], asked: list[Question]) -> tuple[Outcome, str] | None:
    read: list[Tags] = [signatures.tags(value) for value in values]
    if len(values) > 2 * MAX_ARC_SETS:
        return "permerror", f"the chain has more than {MAX_ARC_SETS} sets"
    if any(signatures.arc_instance(value) is None for value in values):
        return "permerror", "a set has no number"
    if any(each.fault or each.algorithm != "rsa-sha256" for each in read):
        return "permerror", next((each.fault for each in read if each.fault), "a set is not signed by rsa-sha256")
    for each in asked:
        failure = answers[each].failure if each in answers else ""
        if failure or keys.fault(answers, each):
            return ("temperror", f"{each.name}: {failure}") if failure else ("fail", keys.fault(answers, each))
    return None


def _verify(answers: Answers, content: bytes) -> tuple[Outcome, str]:
    try:
        state, sets, reason = dkim.ARC(content, minkey=keys.MIN_RSA_BITS).verify(dnsfunc=KeyBook(answers))
    except Exception as error:  # noqa: BLE001  # the edge to dkimpy, which did not foresee these fields
        return "permerror", f"the chain cannot be read ({type(error).__name__})"
    if state == dkim.CV_Pass:
        return "pass", f"{len(sets)} forwarders have sealed the message"
    return "fail", reason

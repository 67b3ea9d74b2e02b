"""SPF (RFC 7208) by pyspf, from answers that are there already: what is missing is asked for first. Pure."""

from contextvars import ContextVar

import spf

from fake_email import mailbox_address
from fake_email.authentication import MethodResult, Outcome
from smtp_ingest.authentication.questions import Answers, Question, RecordType, is_askable, printable, question, shown

_OUTCOMES: dict[str, Outcome] = {
    "pass": "pass",
    "fail": "fail",
    "softfail": "softfail",
    "neutral": "neutral",
    "none": "none",
    "temperror": "temperror",
    "permerror": "permerror",
}
_REASON_CHARACTERS = 300
_TYPES: dict[str, RecordType] = {"A": "A", "AAAA": "AAAA", "MX": "MX", "PTR": "PTR", "TXT": "TXT"}


class _MissingError(Exception):
    """The evaluation needs an answer that is not there."""

    def __init__(self, missing: Question) -> None:
        super().__init__(missing)
        self.missing = missing


class _Evaluation(spf.query):  # type: ignore[misc]  # pyspf has no types
    """pyspf without the look-up of explanations, which are texts of strangers."""

    def get_explanation(self, spec: str) -> None:  # noqa: ARG002  # the signature is pyspf's
        return None


class _Used:
    """The answers of one evaluation, and the questions whose records it used."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.questions: dict[Question, None] = {}


_used: ContextVar[_Used] = ContextVar("used")


def _look_up(name: str, record_type: str, _strict: bool, _timeout: float) -> list[tuple[tuple[str, str], object]]:
    """The records, as pyspf wants them from its DNSLookup; raises _MissingError."""
    wanted = question(name, _TYPES[record_type])
    if not is_askable(wanted.name):
        return []
    used = _used.get()
    answer = used.answers.get(wanted)
    if answer is None:
        raise _MissingError(wanted)
    used.questions[wanted] = None
    if answer.failure:
        raise spf.TempError(answer.failure)
    return [((name, record_type), _value(record_type, each)) for each in answer.values]


def _value(record_type: str, value: str) -> object:
    if record_type == "TXT":
        return (value.encode("latin-1", "replace"),)
    if record_type == "MX":
        preference, _, exchange = value.partition(" ")
        return int(preference), exchange
    return value


spf.DNSLookup = _look_up


def identity(*, reverse_path: str, host_name: str) -> str:
    """The domain whose record counts: that of the reverse-path, or of EHLO for a bounce (RFC 7208 §2.4)."""
    return mailbox_address.a_labels(reverse_path.rpartition("@")[2] or host_name)


def evaluate(answers: Answers, *, client_address: str, host_name: str, reverse_path: str) -> MethodResult | Question:
    """The result, or the next question whose answer it needs."""
    domain = identity(reverse_path=reverse_path, host_name=host_name)
    local_part = reverse_path.rpartition("@")[0] or "postmaster"
    used = _Used(answers)
    token = _used.set(used)
    try:
        evaluation = _Evaluation(
            i=client_address.partition("%")[0], s=f"{local_part}@{domain}", h=host_name, receiver="unknown"
        )
        outcome, _, explanation = evaluation.check()
        mechanism = evaluation.mechanism
    except _MissingError as error:
        return error.missing
    except spf.PermError as error:  # raised for a client address that is none
        outcome, explanation, mechanism = "permerror", str(error), None
    except (AssertionError, ValueError, IndexError, TypeError) as error:  # a record that pyspf did not foresee
        outcome, explanation, mechanism = "permerror", f"the record cannot be read ({type(error).__name__})", None
    finally:
        _used.reset(token)
    return MethodResult(
        result=_OUTCOMES.get(outcome, "permerror"),
        reason=_reason(outcome, explanation, mechanism, domain, client_address),
        domain=printable(domain) or None,
        records=shown(answers, [*used.questions], "v=spf1"),
    )


def _reason(outcome: str, explanation: str, mechanism: str | None, domain: str, client_address: str) -> str:
    match outcome:
        case "none":
            text = f"{domain} has no SPF record"
        case "pass":
            text = f"{domain} lets {client_address} send ({mechanism or 'default'})"
        case "fail" | "softfail":
            text = f"{domain} does not let {client_address} send ({mechanism or 'no mechanism matches'})"
        case "neutral":
            text = f"{domain} says nothing about {client_address}"
        case _:
            text = explanation.removeprefix("SPF Permanent Error: ").removeprefix("SPF Temporary Error: ")
    return printable(text)[:_REASON_CHARACTERS]

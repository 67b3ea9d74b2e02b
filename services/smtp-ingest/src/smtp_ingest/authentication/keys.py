"""The public keys of signatures, from answers that are there already (RFC 6376 §3.6, RFC 8301). Pure."""

import binascii

import dkim
from dkim.util import InvalidTagValueList, parse_tag_value

from smtp_ingest.authentication.questions import Answers, Question, question

MIN_RSA_BITS = 1_024
# A key of 4,096 bits takes 750 characters; one of the longest that DNS carries would take minutes to compute with.
_RECORD_CHARACTERS = 1_024


def of(answers: Answers, asked: Question | None) -> bytes:
    """The record of a key; empty when there is none."""
    values = answers[asked].values if asked and asked in answers else ()
    return next((each.encode("latin-1", "replace") for each in values if "p=" in each), b"")


def fault(answers: Answers, asked: Question | None) -> str:
    """The reason why a key cannot be used; empty when it can."""
    if asked is None:
        return "d= and s= are not the name of a key"
    if asked not in answers:
        return "the key was not looked up"
    record = of(answers, asked)
    return _fault(asked.name, record) if record else f"{asked.name} has no key"


def _fault(name: str, record: bytes) -> str:
    if len(record) > _RECORD_CHARACTERS:
        return f"the key has more than {_RECORD_CHARACTERS} characters"
    try:
        if not parse_tag_value(record).get(b"p"):
            return f"{name} says that the key is revoked"
        _, bits, kind, _ = dkim.evaluate_pk(name, record)
    except (dkim.KeyFormatError, InvalidTagValueList, binascii.Error, ValueError, TypeError, IndexError):
        return f"{name} has a key that cannot be read"
    return f"the key has fewer than {MIN_RSA_BITS} bits" if kind == b"rsa" and (bits or 0) < MIN_RSA_BITS else ""


def is_testing(record: bytes) -> bool:
    """True when the domain says that it only tests DKIM (t=y)."""
    try:
        flags = parse_tag_value(record).get(b"t", b"")
    except (InvalidTagValueList, ValueError):
        return False
    return b"y" in [each.strip() for each in flags.split(b":")]


class KeyBook:
    """The keys as dkimpy asks for them."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __call__(self, name: bytes, timeout: float = 0) -> bytes | None:  # noqa: ARG002  # dkimpy's signature
        """The record of a key that can be used."""
        asked = question(name.decode("ascii", "replace"), "TXT")
        return None if fault(self._answers, asked) else of(self._answers, asked)

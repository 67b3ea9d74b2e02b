"""The clauses that a message must meet: as arguments, as parameters of the API, and in words. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

Has = Literal["code", "link", "attachment"]
LinkKind = Literal["verify", "reset", "login", "unsubscribe", "other"]


class AsTyped(str):
    """A text that a person typed for the API: between slashes, it is a pattern of RE2."""

    __slots__ = ()


Text = str | re.Pattern[str]
Parameters = Mapping[str, str | Sequence[str]]
_TEXTS = ("from", "subject", "text", "query")
_A: dict[Has, str] = {"code": "a code", "link": "a link", "attachment": "an attachment"}


class Clauses(TypedDict, total=False):
    """The conditions that a message must meet.

    A text is found in upper or lower case. A compiled pattern is searched with RE2; of its flags, re.I counts.
    """

    from_: Text
    subject: Text
    text: Text
    has: Has | Sequence[Has]
    query: str


def with_has(clauses: Clauses, has: Has) -> Clauses:
    """The clauses, and one that the message has this too."""
    return {**clauses, "has": tuple(dict.fromkeys([has, *_has(clauses)]))}


def parameters(clauses: Clauses) -> Parameters:
    """The clauses as parameters of the API; raises TypeError for an unknown clause or value."""
    unknown = clauses.keys() - Clauses.__annotations__.keys()
    if unknown:
        raise TypeError(f"no such clause: {', '.join(sorted(unknown))}; there are {', '.join(Clauses.__annotations__)}")
    found: dict[str, str | Sequence[str]] = {}
    for name in ("from_", "subject", "text"):
        if name in clauses:
            found[name.removesuffix("_")] = _text(name, clauses[name])
    if "has" in clauses:
        found["has"] = clauses["has"]
    if "query" in clauses:
        found["query"] = clauses["query"]
    return found


def in_words(clauses: Clauses, kind: LinkKind | None = None) -> str:
    """The clauses, and the kind of the link, as the end of a sentence about mail."""
    texts = {name.removesuffix("_"): text for name, text in clauses.items() if isinstance(text, str)}
    given = {**parameters(clauses), **texts}
    said = {name: json.dumps(given[name], ensure_ascii=False) for name in _TEXTS if name in given}
    sender = said.pop("from", None)
    a = {**_A, "link": f"a link of the kind {kind}"} if kind else _A
    words = [*(f"{name} {value}" for name, value in said.items()), *(a[each] for each in _has(clauses))]
    return (f" from {sender}" if sender else "") + (f" with {' and '.join(words)}" if words else "")


def _has(clauses: Clauses) -> Sequence[Has]:
    given = clauses.get("has", ())
    return [given] if isinstance(given, str) else given


def _text(name: str, value: object) -> str:
    """A text or a pattern as a parameter of the API, which takes a text between slashes for a pattern."""
    if isinstance(value, AsTyped):
        return value
    if isinstance(value, str):
        return f"/{re.escape(value)}/" if re.fullmatch("/.+/", value, re.DOTALL) else value
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        # By itself, the API does not tell upper from lower case in patterns either.
        return f"/{'' if value.flags & re.IGNORECASE else '(?-i)'}{value.pattern}/"
    raise TypeError(f"{name}: {value!r} is neither a text nor a pattern of text; leave out a clause that is not meant")

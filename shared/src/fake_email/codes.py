"""The codes of a message."""

from typing import Literal

import msgspec


class Code(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    confidence: float
    evidence: str
    source: Literal["subject", "text", "html"]

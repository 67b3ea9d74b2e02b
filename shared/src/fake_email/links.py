"""The links of a message."""

from typing import Literal

import msgspec


class Link(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    text: str
    kind: Literal["verify", "reset", "login", "unsubscribe", "other"]

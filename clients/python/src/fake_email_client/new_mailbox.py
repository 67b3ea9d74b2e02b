"""The call that makes a mailbox, without I/O."""

from typing import TypedDict

from fake_email_client.calls import Call, Steps, fetch
from fake_email_client.schemas import TemporaryAddress


class NewMailbox(TypedDict, total=False):
    """The choices for a new mailbox; the server makes those that are left out or None."""

    name: str | None
    domain: str | None
    private: bool | None
    exact: bool | None
    ttl: int | None
    authentication: bool | None


def create(patience: float, wanted: NewMailbox) -> Steps[TemporaryAddress]:
    """Make a mailbox; raises TypeError for an option that there is not."""
    unknown = wanted.keys() - NewMailbox.__annotations__.keys()
    if unknown:
        there_are = ", ".join(NewMailbox.__annotations__)
        raise TypeError(f"no such option: {', '.join(sorted(unknown))}; there are {there_are}")
    fields = {"name": "username", "ttl": "ttl_seconds"}
    body = {fields.get(option, option): value for option, value in wanted.items() if value is not None}
    call = Call(method="POST", path="temporary-address", body=body)
    # After a cut, an exact name may be given out already, and its token is lost.
    return fetch(call, patience, TemporaryAddress, is_repeatable=not wanted.get("exact"))

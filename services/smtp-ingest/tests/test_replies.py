"""Every reply that the daemon knows, and its two codes."""

import re

import pytest

from smtp_ingest import replies

# RFC 2034 §4: a 3xx has none.
KNOWN = sorted(
    {
        *(text for name, text in vars(replies).items() if name.isupper() and isinstance(text, str) and name[0] != "_"),
        *replies.FOR_ERROR.values(),
        *replies.FOR_LOAD.values(),
        *replies.FOR_FAULT.values(),
        *replies.FOR_LIMIT.values(),
    }
    - {replies.SEND_CONTENT}
)


@pytest.mark.parametrize("reply", KNOWN)
def test_a_reply_has_an_enhanced_code_of_the_same_class(reply: str) -> None:
    assert re.fullmatch(r"([245])[0-5][0-9] \1\.[0-7]\.[0-9]{1,2} .+", reply)


@pytest.mark.parametrize("reply", replies.FOR_LIMIT.values())
def test_past_a_limit_it_is_a_matter_of_policy_and_of_this_connection(reply: str) -> None:
    assert reply.startswith("421 4.7.0 ")


@pytest.mark.parametrize("reply", [*replies.FOR_ERROR.values(), *replies.FOR_LOAD.values()])
def test_what_is_ours_to_mend_may_be_tried_again(reply: str) -> None:
    assert reply[0] == "4"

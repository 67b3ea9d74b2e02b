"""Every reply that the daemon knows, and its two codes."""

import re
import subprocess
import sys

import pytest

from smtp_ingest import replies, reply_tables

# RFC 2034 §4: a 3xx has none.
KNOWN = sorted(
    {
        *(text for name, text in vars(replies).items() if name.isupper() and isinstance(text, str) and name[0] != "_"),
        *reply_tables.FOR_ERROR.values(),
        *reply_tables.FOR_LOAD.values(),
        *reply_tables.FOR_FAULT.values(),
        *reply_tables.FOR_LIMIT.values(),
    }
    - {replies.SEND_CONTENT}
)


@pytest.mark.parametrize("reply", KNOWN)
def test_a_reply_has_an_enhanced_code_of_the_same_class(reply: str) -> None:
    assert re.fullmatch(r"([245])[0-5][0-9] \1\.[0-7]\.[0-9]{1,2} .+", reply)


@pytest.mark.parametrize("reply", reply_tables.FOR_LIMIT.values())
def test_past_a_limit_it_is_a_matter_of_policy_and_of_this_connection(reply: str) -> None:
    assert reply.startswith("421 4.7.0 ")


@pytest.mark.parametrize("reply", [*reply_tables.FOR_ERROR.values(), *reply_tables.FOR_LOAD.values()])
def test_what_is_ours_to_mend_may_be_tried_again(reply: str) -> None:
    assert reply[0] == "4"


@pytest.mark.parametrize("module", ["replies", "path", "mail_parameters"])
def test_a_pure_module_does_not_load_the_database_driver(module: str) -> None:
    program = f"import sys, smtp_ingest.{module}; print({{'psycopg', 'fake_email.database'}} & sys.modules.keys())"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=20)

    assert ended.stdout == "set()\n"

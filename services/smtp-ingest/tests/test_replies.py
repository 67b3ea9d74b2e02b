"""The replies of the daemon and their codes."""

import re
import subprocess
import sys
from typing import get_args

import pytest

from smtp_ingest import replies, reply_tables
from smtp_ingest.content import Fault
from smtp_ingest.overload import Reason
from smtp_ingest.session_limits import Limit

# A 3xx reply has no enhanced code (RFC 2034 §4).
REPLIES = sorted(
    {
        *(text for name, text in vars(replies).items() if name.isupper() and isinstance(text, str) and name[0] != "_"),
        *reply_tables.FOR_ERROR.values(),
        *reply_tables.FOR_OVERLOAD.values(),
        *reply_tables.FOR_FAULT.values(),
        *reply_tables.FOR_LIMIT.values(),
    }
    - {replies.SEND_CONTENT}
)


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_has_an_enhanced_code_of_the_same_class(reply: str) -> None:
    assert re.fullmatch(r"([245])[0-5][0-9] \1\.[0-7]\.[0-9]{1,2} .+", reply)


# Past one of these limits the session goes on.
REFUSALS: dict[Limit, str] = {
    "mailbox_quota": "452 4.2.2",
    "max_stored_octets": "452 4.3.1",
    "smtp_max_client_octets_per_day": "452 4.3.1",
    "smtp_max_command_octets": "500 5.5.2",
    "smtp_max_recipients": "452 4.5.3",
}


@pytest.mark.parametrize("limit", get_args(Limit))
def test_past_a_limit_the_session_ends_with_a_policy_code_or_one_command_is_refused(limit: Limit) -> None:
    codes = reply_tables.FOR_LIMIT[limit][:9]

    assert codes == REFUSALS.get(limit, "421 4.7.0")


@pytest.mark.parametrize(
    ("table", "names"),
    [(reply_tables.FOR_LIMIT, Limit), (reply_tables.FOR_FAULT, Fault), (reply_tables.FOR_OVERLOAD, Reason)],
    ids=["limits", "faults", "overload"],
)
def test_every_name_has_a_reply(table: dict[str, str], names: object) -> None:
    assert table.keys() == set(get_args(names))


@pytest.mark.parametrize("reply", [*reply_tables.FOR_ERROR.values(), *reply_tables.FOR_OVERLOAD.values()])
def test_a_reply_to_an_error_of_the_server_defers_the_mail(reply: str) -> None:
    assert reply[0] == "4"


@pytest.mark.parametrize("module", ["replies", "arguments"])
def test_a_pure_module_does_not_load_the_database_driver(module: str) -> None:
    program = f"import sys, smtp_ingest.{module}; print({{'psycopg', 'fake_email.postgres.pool'}} & sys.modules.keys())"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=20)

    assert ended.stdout == "set()\n"

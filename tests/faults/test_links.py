"""Faults of the network between hosts, and what Postgres keeps of a service that it cannot reach."""

import asyncio

import psycopg
import pytest
from support.content import message
from support.database import is_waited_for, locked, make_mailbox, store, stored
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

from faults import links
from faults.links import DATABASE, network_of
from faults.links import SHORT_TRIALS as TRIALS
from faults.router import Condition
from faults.stage import Stage
from faults.trial import Trial, run_short_trial

__all__ = ["TRIALS"]

# Content of this size is stored with several statements, which hold the mailbox's lock.
LARGE = ("x" * 998 + "\r\n") * 2_300
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'mail'"


async def accepts(client: SmtpClient, content: bytes, address: str) -> bool:
    """Return whether the message is acknowledged, and not deferred."""
    await client.converse(("RSET", 250))
    for command in ("MAIL FROM:<>", f"RCPT TO:<{address}>", "DATA"):
        reply = await client.command(command)
        if reply.code == 451:
            return False
    await client.send(content + b".\r\n")
    return (await client.reply()).code == 250


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = run_short_trial(trial, stage)

    assert verdict.is_clean, verdict


@pytest.mark.parametrize("stage", [links.stage], indirect=True, scope="module")
async def test_a_store_whose_link_is_cut_leaves_neither_its_lock_nor_any_session_behind(stage: Stage) -> None:
    address = make_mailbox(stage.database_url)
    with psycopg.connect(stage.database_url, autocommit=True) as watcher, stage.clients_host.inside():
        client = SmtpClient(*await asyncio.open_connection(*stage.smtp_address))
        await client.reply()
        await client.begin(address)
        with locked(stage.database_url, address) as lock:
            await client.send(message("first", LARGE) + b".\r\n")
            await until(lambda: is_waited_for(lock))
            network_of(stage).set(Condition(address=DATABASE, is_cut=True))
        async with asyncio.timeout(DEADLINE_SECONDS):
            await store(stage.database_url, address, message("second"))
        await until(lambda: watcher.execute(SESSIONS).fetchone() == (0,))
        network_of(stage).set(Condition(address=DATABASE))

        deferred = await client.reply()
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await accepts(client, message("first", LARGE), address):
                pass
        client.writer.close()

    assert (deferred.code, deferred.text[:5]) == (451, "4.3.0")
    assert stored(stage.database_url, address) == [message("second"), message("first", LARGE)]

"""A Postgres whose disk is full."""

import asyncio

import pytest
from support.content import message
from support.database import make_mailbox, store
from support.http_client import client, problem
from support.waiting import DEADLINE_SECONDS

from fake_email.postgres.pool import open_database
from fake_email.storage import purge
from faults.disk import filled
from faults.postgres_full import TRIALS, data_on_disk, disk_of
from faults.stage import Stage
from faults.trial import Trial, run_short_trial
from faults.verdict import read_table

__all__ = ["TRIALS"]


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = run_short_trial(trial, stage)

    assert verdict.is_clean, verdict


@pytest.mark.parametrize("stage", [data_on_disk], indirect=True, scope="module")
async def test_on_a_full_disk_mail_can_be_read_and_deleted(stage: Stage) -> None:
    address = make_mailbox(stage.database_url)
    await store(stage.database_url, address, message())

    with filled(disk_of(stage)):
        async with client(stage.http_url) as http, asyncio.timeout(DEADLINE_SECONDS):
            while (created := await http.post("/api/temporary-address")).is_success:
                pass
            read = await http.get("/api/inbox/poll", params={"address": address})
            ended = await http.delete("/api/inbox", params={"address": address})
        async with open_database(stage.database_url, connections=1) as database:
            await purge.delete_all(database)
        left = read_table(stage.database_url, [address])

    assert problem(created)["code"] == "storage_full"
    assert (read.json()["new_mail_count"], ended.status_code) == (1, 204)
    assert left == []

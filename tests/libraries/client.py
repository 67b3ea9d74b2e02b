"""A program on a generated client: makes a mailbox, waits for the mail that the test sends, reads and deletes it."""

import datetime
import json
import sys
import uuid

from generated import Client
from generated.api.lists_of_messages import list_messages
from generated.api.mailboxes import create_mailbox, delete_mailbox
from generated.api.messages import delete_message, get_attachment, get_message, get_message_source
from generated.api.new_messages import wait_for_message
from generated.api.service import get_health
from generated.models import (
    FoundMessage,
    NewAddress,
    NoMatch,
    Page,
    Problem,
    TemporaryAddress,
    WaitForMessageHasItem,
    WholeMessage,
)
from generated.types import File

client = Client(base_url=sys.argv[1])
assert get_health.sync(client=client) == "OK"
made = create_mailbox.sync(client=client, body=NewAddress(username="ann"))
assert isinstance(made, TemporaryAddress)
assert isinstance(made.expires_at, datetime.datetime)
address = made.temp_email_addr
print(address, flush=True)

found = wait_for_message.sync(client=client, address=address, has=[WaitForMessageHasItem.CODE], timeout=25)
assert isinstance(found, FoundMessage)
assert isinstance(found.id, uuid.UUID)
read = get_message.sync(client=client, message_id=found.id)
assert isinstance(read, WholeMessage)
listed = list_messages.sync(client=client, address=address)
assert isinstance(listed, Page)
file = get_attachment.sync(client=client, message_id=found.id, number=0)
source = get_message_source.sync(client=client, message_id=found.id)
assert isinstance(file, File)
assert isinstance(source, File)
assert source.payload.read().startswith(b"Return-Path:")
delete_message.sync_detailed(client=client, message_id=found.id)

nothing = wait_for_message.sync(client=client, address=address, timeout=1)
assert isinstance(nothing, NoMatch)
gone = get_message.sync(client=client, message_id=found.id)
assert isinstance(gone, Problem)
delete_mailbox.sync_detailed(client=client, address=address)

code = found.codes[0].value
octets = file.payload.read().decode()
print(json.dumps([code, read.subject, listed.new_mail_count, len(nothing.near_misses), gone.code, octets]))

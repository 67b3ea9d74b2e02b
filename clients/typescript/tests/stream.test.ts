/** Streams: of one mailbox with its token, and of several by a ticket. */
import assert from "node:assert/strict"
import { test } from "node:test"

import type { StreamState } from "../src/index.ts"
import { deliver } from "./smtp.ts"
import { mail, openStream, take } from "./world.ts"

test("messages come as they arrive, after those that are there, until the mailbox is over", async () => {
  const box = await mail.mailbox({ private: true })
  await deliver(box.address, "One")
  const subjects: string[] = []
  for await (const message of box.messages()) {
    subjects.push(message.subject)
    if (subjects.length === 1) await deliver(box.address, "Two")
    else await box.close()
  }
  assert.deepEqual(subjects, ["One", "Two"])
})

test("one stream tells all that happens in several mailboxes", async () => {
  const states: StreamState[] = []
  const ann = await mail.mailbox({ private: true })
  const bob = await mail.mailbox()
  await deliver(ann.address, "One")
  const stream = mail.stream([ann, bob], { onState: (state) => states.push(state) })
  const events = stream[Symbol.asyncIterator]()
  assert.deepEqual(await take(events, 1), ["message One"])
  await deliver(bob.address, "Two")
  assert.deepEqual(await take(events, 1), ["message Two"])
  assert.equal(stream.state, "open")
  const { id } = await bob.wait()
  await bob.mark(id)
  await bob.delete(id)
  assert.deepEqual(await take(events, 2), ["seen true", "deleted"])
  await ann.close()
  assert.deepEqual(await take(events, 1), ["gone"])
  await bob.close()
  assert.deepEqual(await take(events, 2), ["gone"])
  assert.deepEqual(states, ["catching up", "open", "closed"])
})

test("a stream goes on at the position of another, with more mailboxes", async () => {
  await using ann = await mail.mailbox({ private: true })
  await using bob = await mail.mailbox({ private: true })
  await deliver(ann.address, "One")
  const first = mail.stream([ann])
  assert.deepEqual(await take(first[Symbol.asyncIterator](), 1), ["message One"])
  first.close()
  await deliver(bob.address, "Two")
  const second = mail.stream([ann, bob], { since: first.position! })
  assert.deepEqual(await take(second[Symbol.asyncIterator](), 1), ["message Two"])
  second.close()
})

test("a stream from now on leaves out the mail that is there", async () => {
  await using box = await mail.mailbox()
  await deliver(box.address, "One")
  const { stream, events, opened } = openStream([box], { since: "now" })
  await opened
  await deliver(box.address, "Two")
  assert.deepEqual([await events], ["message Two"])
  stream.close()
})

test("a mailbox that was opened by another spelling of its address has all its events", async () => {
  const box = await mail.mailbox({ username: "ann", private: true })
  const spelled = mail.open(box.address.toUpperCase().replace("@", "+SHOP@"), box.token)
  await deliver(box.address, "One")
  const events = mail.stream([spelled])[Symbol.asyncIterator]()
  const { value } = await events.next()
  assert.deepEqual([value?.type, value?.address], ["message", spelled.address])
  await box.close()
  assert.deepEqual(await take(events, 2), ["gone"])
})

test("close and a signal end the loop", async () => {
  await using box = await mail.mailbox()
  const { stream, events, opened } = openStream([box])
  await opened
  stream.close()
  assert.equal(await events, undefined)

  const controller = new AbortController()
  for await (const message of box.messages({ signal: controller.signal, onState: () => controller.abort() })) {
    assert.fail(message.subject)
  }
})

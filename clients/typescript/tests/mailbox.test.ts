/** The other calls of a mailbox. */
import assert from "node:assert/strict"
import { test } from "node:test"

import { Problem } from "../src/index.ts"
import { deliver, deliverContent, WITH_ALL } from "./smtp.ts"
import { failure, mail, url } from "./world.ts"

test("a private mailbox opens with its token alone", async () => {
  await using box = await mail.mailbox({ private: true })
  assert(box.token)
  assert.equal((await mail.open(box.address, box.token).info()).private, true)
  const error = await failure(mail.open(box.address).info())
  assert(error instanceof Problem)
  assert.equal(error.code, "mailbox_not_found")
})

test("await using deletes the mailbox, and closing it again is fine", async () => {
  let box
  {
    await using inner = await mail.mailbox()
    box = inner
  }
  assert.equal(((await failure(box.info())) as Problem).code, "mailbox_not_found")
  await box.close()
})

test("extend moves the end of the mailbox", async () => {
  await using box = await mail.mailbox({ ttlSeconds: 60 })
  const before = await box.info()
  assert((await box.extend(3600)).expires_at > before.expires_at)
})

test("a list has a query and pages", async () => {
  await using box = await mail.mailbox()
  for (const subject of ["A", "B", "C"]) await deliver(box.address, subject)
  const first = await box.list({ limit: 2, query: "-subject:b" })
  assert.deepEqual(
    first.messages.map((each) => each.subject),
    ["C", "A"],
  )
  assert.equal(first.next_cursor, null)
  const page = await box.list({ limit: 2, order: "oldest" })
  const next = await box.list({ limit: 2, order: "oldest", cursor: page.next_cursor! })
  assert.deepEqual(
    [...page.messages, ...next.messages].map((each) => each.subject),
    ["A", "B", "C"],
  )
})

test("a message is read whole, as its source, and with its attachments", async () => {
  await using box = await mail.mailbox({ private: true })
  await deliverContent(box.address, WITH_ALL)
  const { id } = await box.wait()
  assert.match((await box.read(id)).html ?? "", /Confirm your address/)
  assert.match(await (await box.source(id)).text(), /^Return-Path: [^]*Be kind\./)
  assert.equal((await (await box.attachment(id, 0)).text()).trim(), "Be kind.")
  assert.equal(((await failure(box.attachment(id, 1))) as Problem).code, "attachment_not_found")
})

test("URLs for frames and links have a ticket in them and no token", async () => {
  await using box = await mail.mailbox({ private: true })
  await deliverContent(box.address, WITH_ALL)
  const { id } = await box.wait()
  const [html, file] = await Promise.all([box.htmlUrl(id, { remote: true }), box.attachmentUrl(id, 0)])
  assert(!html.includes(box.token!))
  assert.equal(new URL(html).searchParams.get("ticket"), new URL(file).searchParams.get("ticket"))
  assert.match(await (await fetch(html)).text(), /Confirm your address/)
  assert.equal((await (await fetch(file)).text()).trim(), "Be kind.")
})

test("messages are marked and deleted, one by one and by a query", async () => {
  await using box = await mail.mailbox()
  for (const subject of ["A", "B", "C"]) await deliver(box.address, subject)
  const { id } = await box.wait({ subject: "a" })
  await box.mark(id)
  assert.equal((await box.info()).unseen_count, 2)
  assert.equal(await box.markAll(false), 1)
  await box.delete(id)
  await box.delete(id)
  assert.equal(await box.clear({ query: "subject:b" }), 1)
  assert.equal(await box.clear(), 1)
  assert.equal((await box.info()).message_count, 0)
})

test("domains are listed", async () => {
  const { domains } = await mail.domains()
  await using box = await mail.mailbox({ domain: domains.at(-1)! })
  assert(box.address.endsWith(`@${domains.at(-1)}`))
})

test("an address that is no address of a server is refused at once", () => {
  assert.throws(() => new (mail.constructor as new (url: string) => unknown)("localhost"), TypeError)
  assert(url)
})

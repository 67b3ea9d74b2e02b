/** Waiting for mail: each message is returned once, and errors say in words what was missing. */
import assert from "node:assert/strict"
import { test } from "node:test"

import { Mail, NoMail, Problem, Unexpected } from "../src/index.ts"
import { deliver, deliverContent, WITH_ALL } from "./smtp.ts"
import { failure, mail, url } from "./world.ts"

const together = { concurrency: true }

test("waiting", together, async (t) => {
  await Promise.all([
    t.test("a mail that arrives later is returned with its text", async () => {
      await using box = await mail.mailbox({ private: true, ttlSeconds: 600 })
      const waited = box.wait({ subject: "hello", from: "ann@", timeout: 20 })
      await deliver(box.address, "Hello, Bob", "How are you?")
      assert.equal((await waited).text.trim(), "How are you?")
    }),

    t.test("mail that came before is found in any order, and each message once", async () => {
      await using box = await mail.mailbox()
      await deliver(box.address, "One")
      await deliver(box.address, "Two")
      assert.equal((await box.wait({ subject: "two" })).subject, "Two")
      assert.equal((await box.wait()).subject, "One")
      await deliver(box.address, "Three")
      assert.equal((await box.wait()).subject, "Three")
    }),

    t.test("a code that is sent again is the next code", async () => {
      await using box = await mail.mailbox({ username: "ann" })
      assert.match(box.address, /^ann/)
      await deliver(box.address, "Code", "Your code is 482913.")
      assert.equal(await box.code(), "482913")
      const next = box.code({ subject: "code" })
      await deliver(box.address, "Code", "Your code is 771204.")
      assert.equal(await next, "771204")
    }),

    t.test("calls that wait at the same time get different messages", async () => {
      await using box = await mail.mailbox()
      const waited = [box.wait(), box.wait(), box.wait()]
      for (const subject of ["A", "B", "C"]) await deliver(box.address, subject)
      assert.deepEqual((await Promise.all(waited)).map((each) => each.subject).sort(), ["A", "B", "C"])
    }),

    t.test("a link is found by its kind", async () => {
      await using box = await mail.mailbox()
      await deliverContent(box.address, WITH_ALL)
      const error = await failure(box.link("reset", { timeout: 1 }))
      assert.match(String(error), /No mail with a link of the kind reset came to/)
      assert.deepEqual((error as NoMail).nearMisses[0]?.failed, ["link=reset"])
      assert.equal(await box.link("verify"), "https://example.test/verify?t=Qm9w")
    }),

    t.test("a regular expression and a query are clauses", async () => {
      await using box = await mail.mailbox()
      await deliver(box.address, "Order 17")
      await deliver(box.address, "Order 4711")
      assert.equal((await box.wait({ subject: /^order \d{4}$/i })).subject, "Order 4711")
      assert.equal((await box.wait({ query: "subject:order -4711" })).subject, "Order 17")
    }),

    t.test("a text between slashes is no pattern, and a pattern without its flag i tells cases apart", async () => {
      await using box = await mail.mailbox()
      await deliver(box.address, "/shop.html?a=1/")
      await box.expectNone({ subject: "/shop.*/", within: 1 })
      await box.expectNone({ subject: /SHOP/, within: 1 })
      assert.match((await box.wait({ subject: "/SHOP.html?a=1/" })).subject, /shop/)
      const error = await failure(box.wait({ subject: "/shop.*/", text: undefined as unknown as string, timeout: 1 }))
      assert.match(String(error), /^NoMail: No mail with subject "\/shop\.\*\/" came to /)
    }),

    t.test("NoMail says what was waited for, and what came instead", async () => {
      await using box = await mail.mailbox()
      await deliver(box.address, "News")
      const error = await failure(box.wait({ subject: "invoice", has: ["code", "link"], timeout: 1 }))
      assert(error instanceof NoMail)
      assert.equal(
        error.message,
        `No mail with subject "invoice" and a code and a link came to ${box.address} within 1 s. Other mail:\n` +
          '- "News" from ann@example.test failed subject, has=code, has=link',
      )
    }),

    t.test("NoMail and the timeline tell of mail that was refused", async () => {
      await using box = await mail.mailbox()
      const refused = await failure(deliverContent(box.address, `Subject: ${"x".repeat(300_000)}\r\n\r\nHello.\r\n`))
      assert.match(String(refused), /552 5\.3\.4/)
      let told = await box.timeline()
      while (!told.attempts.length) told = await box.timeline()
      const error = await failure(box.wait({ timeout: 1 }))
      assert.deepEqual(
        told.attempts.map(({ stage, message_id: id }) => [stage, id]),
        [["data", null]],
      )
      assert(error instanceof NoMail)
      assert.match(
        error.message,
        /No other mail came\.\nMail that was not stored:\n- data: 552 5\.3\.4 The header section/,
      )
      assert.equal(error.refused.length, 1)
    }),

    t.test("NoMail and the timeline tell of a duplicate", async () => {
      await using box = await mail.mailbox()
      for (const _ of "12") await deliverContent(box.address, "Subject: Twice\r\n\r\nHello.\r\n")
      const { id } = await box.wait()
      let told = await box.timeline()
      while (told.attempts.length < 2) told = await box.timeline()
      const error = await failure(box.wait({ timeout: 1 }))
      assert.deepEqual(
        told.attempts.map((each) => [each.message_id, each.duplicate]),
        [
          [id, false],
          [id, true],
        ],
      )
      assert(String(error).includes(`- commit: a duplicate of the message ${id}`), String(error))
    }),

    t.test("NoMail lists messages that were returned before", async () => {
      await using box = await mail.mailbox()
      await deliver(box.address, "News")
      await deliver(box.address, "Welcome")
      await deliver(box.address, "More news")
      await box.wait({ subject: "welcome" })
      const error = await failure(box.wait({ subject: "welcome", timeout: 1 }))
      assert.match(
        String(error),
        /- "Welcome" from ann@example\.test was returned before\n- "More news" .* failed subject/,
      )
      assert.deepEqual(
        (error as NoMail).nearMisses.map((each) => [each.subject, ...each.failed]),
        [
          ["Welcome", "returned before"],
          ["More news", "subject"],
        ],
      )
      for (const _ of "12") await box.wait()
      assert.match(
        String(await failure(box.wait({ timeout: 1 }))),
        /No other mail came; 3 messages were returned before\.$/,
      )
    }),

    t.test("expectNone is content without such mail, and shows the mail that came", async () => {
      await using box = await mail.mailbox()
      await deliver(box.address, "Buy", "Two for \x1b[31mone.")
      await box.expectNone({ subject: "invoice", within: 1 })
      const error = await failure(box.expectNone({ from: "@example.test", within: 1 }))
      assert(error instanceof Unexpected)
      assert.match(error.message, /No mail from "@example.test" was expected[^]*Subject: Buy\n\nTwo for �\[31mone\./)
      assert.equal(error.mail.subject, "Buy")
    }),

    t.test("a problem of the API is thrown at once, with its code and field", async () => {
      await using box = await mail.mailbox()
      const error = await failure(box.wait({ query: "is:purple" }))
      assert(error instanceof Problem)
      assert.deepEqual([error.code, error.status, error.field], ["bad_input", 400, "query"])
    }),

    t.test("a signal ends the wait with its reason", async () => {
      await using box = await mail.mailbox()
      const controller = new AbortController()
      const waited = failure(box.wait({ signal: controller.signal }))
      controller.abort(new Error("enough"))
      assert.equal(String(await waited), "Error: enough")
    }),

    t.test("a long wait is split into calls of 25 seconds, and the cursor goes on", async () => {
      const calls: URLSearchParams[] = []
      const recording = new Mail(url, {
        fetch: (input, init) => {
          calls.push(new URL(String(input)).searchParams)
          return fetch(input, init)
        },
      })
      await using box = await mail.mailbox()
      await deliver(box.address, "Other")
      await failure(recording.open(box.address).wait({ subject: "welcome", timeout: 27 }))
      assert.deepEqual(
        calls.map((each) => each.get("since")),
        ["0", "1"],
      )
      assert(Number(calls[0]?.get("timeout")) <= 25)
      assert(Number(calls[1]?.get("timeout")) <= 2)
    }),
  ])
})

/** Many mailboxes at the same time: each gets its own mail. */
import assert from "node:assert/strict"
import { test } from "node:test"

import { deliver, deliverContent } from "./smtp.ts"
import { mail } from "./world.ts"

const MAILBOXES = 1000
const AT_A_TIME = 50
const RECIPIENTS = 100

test("eight tests in parallel get their own codes", async () => {
  const codes = Array.from({ length: 8 }, (_, number) => `48291${number}`)
  const found = codes.map(async (code) => {
    await using box = await mail.mailbox({ private: true })
    await deliver(box.address, "Code", `Your code is ${code}.`)
    return await box.code()
  })
  assert.deepEqual(await Promise.all(found), codes)
})

test("a thousand mailboxes get their mail", async () => {
  const numbers = Array.from({ length: MAILBOXES }, (_, number) => number)
  const boxes = await inTurns(numbers, () => mail.mailbox({ private: true, ttlSeconds: 600 }))
  const addresses = boxes.map((box) => box.address)
  for (let first = 0; first < MAILBOXES; first += RECIPIENTS) {
    await deliverContent(addresses.slice(first, first + RECIPIENTS), `Subject: ${first}\r\n\r\nHello.\r\n`)
  }
  const found = await inTurns(boxes, async (box) => (await box.wait()).to_addr)
  assert.deepEqual(found, addresses)
  await inTurns(boxes, (box) => box.close())
})

async function inTurns<T, R>(all: T[], work: (each: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  while (results.length < all.length) {
    const some = all.slice(results.length, results.length + AT_A_TIME)
    results.push(...(await Promise.all(some.map(work))))
  }
  return results
}

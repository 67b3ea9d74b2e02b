/** Tests that fail, for what their report has, and that the mailboxes of all tests are deleted. */
import { expect, test } from "fake-email-client/playwright"

import { signUp } from "./app.js"

test("no such mail", async ({ mailbox }) => {
  await signUp(mailbox.address)
  await mailbox.wait({ subject: "invoice", timeout: 1 })
})

test("two mailboxes", async ({ newMailbox }) => {
  const ann = await newMailbox({ username: "ann" })
  const bob = await newMailbox({ username: "bob", private: false })
  await signUp(bob.address)
  await bob.wait()
  expect([ann.token, bob.token]).toEqual([expect.any(String), undefined])
  throw new Error("as it should")
})

test("a failure that is expected", async ({ mailbox }) => {
  test.fail()
  await mailbox.wait({ timeout: 1 })
})

test.describe("with little time", () => {
  test.setTimeout(8_000)

  test("a wait that outlasts its test", async ({ mailbox }) => {
    await signUp(mailbox.address)
    await mailbox.wait({ subject: "invoice", timeout: 80 })
  })
})

test.describe("without a server", () => {
  test.use({ fakeEmailUrl: "http://127.0.0.1:1" })

  test("no server", async ({ mailbox }) => {
    expect(mailbox).toBeUndefined()
  })
})

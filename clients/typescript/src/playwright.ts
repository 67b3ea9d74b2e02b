/** Fixtures of Playwright: mailboxes for each test, whose messages are attached to the report when the test fails. */
import {
  test as base,
  type PlaywrightTestArgs,
  type PlaywrightTestOptions,
  type PlaywrightWorkerArgs,
  type PlaywrightWorkerOptions,
  type TestInfo,
  type TestType,
} from "@playwright/test"

import { Mail } from "./mail.ts"
import type { Mailbox } from "./mailbox.ts"
import { attachments } from "./report.ts"
import type { NewMailbox } from "./types.ts"

export { expect } from "@playwright/test"

const TTL_SECONDS = 3600
const REPORT_MILLISECONDS = 10_000
// Less than the 30 seconds that Playwright gives a test, so that the reason is told.
const PATIENCE_SECONDS = 5

/** Set them in `use` of playwright.config.ts, or by `test.use`. */
export interface FakeEmailOptions {
  /** The address of the API; FAKE_EMAIL_URL by default, else http://localhost:3001. */
  fakeEmailUrl: string
  /** Of each mailbox; without them, it is private and ends after an hour. */
  mailboxOptions: NewMailbox
}

export interface FakeEmailFixtures {
  mail: Mail
  /** A mailbox of this test alone. */
  mailbox: Mailbox
  /** Makes more mailboxes for the test. */
  newMailbox: (options?: NewMailbox) => Promise<Mailbox>
}

type Args = PlaywrightTestArgs & PlaywrightTestOptions & FakeEmailOptions & FakeEmailFixtures

/** The `test` of Playwright, with mailboxes. `mergeTests` joins it with other fixtures. */
export const test: TestType<Args, PlaywrightWorkerArgs & PlaywrightWorkerOptions> = base.extend<
  FakeEmailOptions & FakeEmailFixtures
>({
  fakeEmailUrl: [process.env.FAKE_EMAIL_URL || "http://localhost:3001", { option: true }],
  mailboxOptions: [{}, { option: true }],

  mail: async ({ fakeEmailUrl }, use) => {
    await use(mailOf(fakeEmailUrl))
  },

  mailbox: async ({ newMailbox }, use) => {
    await use(await newMailbox())
  },

  newMailbox: async ({ mail, mailboxOptions, fakeEmailUrl }, use, testInfo) => {
    const mailboxes: Mailbox[] = []
    await use(async (options) => {
      const wanted = { private: true, ttlSeconds: TTL_SECONDS, ...mailboxOptions, ...options }
      const box = await mail.mailbox(wanted).catch((cause: unknown) => {
        throw new Error(`No mailbox at ${fakeEmailUrl}, the address in FAKE_EMAIL_URL or fakeEmailUrl: ${cause}`, {
          cause,
        })
      })
      mailboxes.push(box)
      testInfo.annotations.push({ type: "mailbox", description: box.address })
      return box
    })
    ends.get(mail)?.()
    if (testInfo.status !== testInfo.expectedStatus) for (const box of mailboxes) await attach(box, testInfo)
    await Promise.all(mailboxes.map((box) => box.close()))
  },
})

// Answers the calls that a test has left open, so that none of them finds its mailbox gone.
const ends = new WeakMap<Mail, () => void>()

function mailOf(url: string): Mail {
  let end: () => void
  let over: Promise<Response>
  const begin = () => {
    over = new Promise((resolve) => {
      const detail = "The test was over before this call had a response."
      end = () => resolve(Response.json({ code: "test_over", detail }, { status: 408 }))
    })
  }
  begin()
  const send: typeof fetch = (...request) => Promise.race([fetch(...request), over.then((each) => each.clone())])
  const mail = new Mail(url, { patience: PATIENCE_SECONDS, fetch: send })
  ends.set(mail, () => {
    end()
    begin()
  })
  return mail
}

/** Attach the messages; the result of the test stays when that fails. */
async function attach(box: Mailbox, testInfo: TestInfo): Promise<void> {
  try {
    for (const { name, body, contentType } of await attachments(box, AbortSignal.timeout(REPORT_MILLISECONDS))) {
      await testInfo.attach(name, { body: typeof body === "string" ? body : Buffer.from(body), contentType })
    }
  } catch (error) {
    await testInfo.attach(`mailbox ${box.address}`, {
      body: `The messages cannot be read: ${error}`,
      contentType: "text/plain",
    })
  }
}

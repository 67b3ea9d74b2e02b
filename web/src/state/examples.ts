// The lines that an empty mailbox shows: how mail is sent to it, and how a shell and a test read it. Pure.

import type { Domains, Key } from "../api/types"
import type { Example } from "./example_names"

export interface Command {
  readonly language: "Shell" | "Python" | "TypeScript"
  readonly text: string
  /** The secret, which is copied and not shown. */
  readonly secret?: string | undefined
}

/** How one sends a test: with curl, which most machines have. */
export function sending({ smtp }: Domains, { address }: Key): Command {
  return {
    language: "Shell",
    text: `printf 'Subject: Your code\\n\\nYour code is 482913.\\n' |
  curl -sS smtp://${smtp.host}:${smtp.port}/mail.example.com \\
    --mail-from hello@example.com \\
    --mail-rcpt ${address} -T -`,
  }
}

export function example(name: Exclude<Example, "send">, url: string, { address, token }: Key): Command {
  switch (name) {
    case "curl":
      return {
        language: "Shell",
        text: `curl -G '${url}/api/inbox/wait' \\
  -d address=${address} -d has=code \\
  -H 'Accept: text/plain'${token ? ` \\\n  -H 'Authorization: Bearer ${token}'` : ""}`,
        secret: token,
      }
    case "pytest":
      return {
        language: "Python",
        text: `# FAKE_EMAIL_URL=${url} pytest
def test_sign_up(mailbox):
    sign_up(mailbox.address)
    message = mailbox.wait(has="code")
    assert confirm(message.code)`,
      }
    case "playwright":
      return {
        language: "TypeScript",
        text: `// FAKE_EMAIL_URL=${url} npx playwright test
import { test } from "fake-email-client/playwright"

test("sign up", async ({ page, mailbox }) => {
  await page.getByLabel("Email").fill(mailbox.address)
  await page.getByRole("button").click()
  await page.getByLabel("Code").fill(await mailbox.code())
})`,
      }
  }
}

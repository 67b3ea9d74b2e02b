/** The application under test in the README: it mails a code and a link to a new user. */
import assert from "node:assert/strict"

import { deliverContent, WITH_ALL } from "./smtp.ts"

export async function signUp(address: string): Promise<void> {
  await deliverContent(address, WITH_ALL)
}

export async function follow(link: string): Promise<void> {
  assert.equal(link, "https://example.test/verify?t=Qm9w")
}

export async function confirm(address: string, code: string): Promise<void> {
  assert.match(address, /@/)
  assert.equal(code, "482913")
}

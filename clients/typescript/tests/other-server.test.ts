/** URLs and responses that are not those of the API. */
import assert from "node:assert/strict"
import { test } from "node:test"

import { Mail } from "../src/index.ts"
import { failure } from "./world.ts"

/** A client whose calls get this response, and the number of its calls. */
function answered(body: string, init?: ResponseInit): { mail: Mail; calls: () => number } {
  let calls = 0
  const fetch = async () => {
    calls++
    return new Response(body, init)
  }
  return { mail: new Mail("http://mx.test", { fetch, patience: 0.5 }), calls: () => calls }
}

test("a URL without http is refused at once", () => {
  for (const url of ["localhost:3001", "mx.test", "ftp://mx.test"]) {
    assert.throws(() => new Mail(url), { message: `${url} is not the URL of an API, as http://localhost:3001 is` })
  }
})

test("the page of another server is told at once", async () => {
  const { mail, calls } = answered("<h1>A shop</h1>")
  assert(String(await failure(mail.domains())).startsWith("SyntaxError"))
  assert(String(await failure(mail.open("ann@mx.test").wait())).startsWith("SyntaxError"))
  assert.equal(calls(), 2)
})

test("a Retry-After that says no seconds is a short pause", async () => {
  for (const value of ["-5", "soon"]) {
    const { mail, calls } = answered("{}", { status: 503, headers: { "Retry-After": value } })
    await failure(mail.domains())
    assert(calls() < 10, `${value}: ${calls()} calls`)
  }
})

test("a proxy that removes the cursor of a wait is told at once", async () => {
  const noMatch = answered('{"code": "no_match", "near_misses": []}', {
    status: 404,
    headers: { "Next-Since": "soon" },
  })
  const message = answered('{"id": "1", "seq": 1, "links": []}')
  for (const [status, { mail, calls }] of Object.entries({ 404: noMatch, 200: message })) {
    assert.equal(
      String(await failure(mail.open("ann@mx.test").link("verify"))),
      `Problem: ${status} unknown: No Next-Since: a proxy removed it.`,
    )
    assert.equal(calls(), 1)
  }
})

test("an id that is no id names no other path", async () => {
  const paths: string[] = []
  const fetch = async (url: unknown) => {
    paths.push(new URL(String(url)).pathname)
    return new Response(null, { status: 204 })
  }
  const box = new Mail("http://mx.test/mail", { fetch }).open("ann@mx.test")
  for (const id of ["../inbox?address=bob@mx.test", "%2e%2e/inbox", "..", "#", "01a2-b"]) await box.delete(id)
  assert.deepEqual(paths, [
    "/mail/api/messages/__/inbox_address_bob_mx_test",
    "/mail/api/messages/_2e_2e/inbox",
    "/mail/api/messages/__",
    "/mail/api/messages/_",
    "/mail/api/messages/01a2-b",
  ])
})

import { expect, test } from "vitest"
import { EXAMPLES } from "../src/state/example_names"
import { example, sending } from "../src/state/examples"

const box = { address: "ann@mx.test", token: "t0ken" }

test("the line that sends a test names the SMTP server and the address", () => {
  const { text } = sending(
    { default: "mx.test", domains: ["mx.test"], smtp: { host: "mx.test", port: 2525, starttls: false } } as never,
    box,
  )
  expect(text).toContain("smtp://mx.test:2525/")
  expect(text).toContain("--mail-rcpt ann@mx.test")
})

test("each example that has the token names it as a secret", () => {
  for (const name of EXAMPLES) {
    if (name === "send") continue
    const { text, secret } = example(name, "http://api.test", box)
    expect(text).toContain("http://api.test")
    expect(text.includes(box.token)).toBe(secret === box.token)
  }
})

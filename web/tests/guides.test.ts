import { expect, test } from "vitest"
import { guides } from "../site/guides.js"

const all = guides("https://git.example/mail/blob/main")
const api = all.find(({ slug }) => slug === "api")!

test("each guide has a title, a sentence about it and sections", () => {
  for (const each of all) expect([each.title, each.about, each.sections.length]).not.toContain("")
  expect(api.title).toBe("Use the API")
  expect(api.sections.map(({ id }) => id)).toContain("a-private-mailbox")
})

test("links lead to guides, and to the files of the repository", () => {
  expect(api.html).toContain('href="/docs/frontend"')
  expect(all.map(({ html }) => html).join("")).toContain('href="https://git.example/mail/blob/main/SECURITY.md"')
  expect(
    guides("")
      .map(({ html }) => html)
      .join(""),
  ).not.toContain('SECURITY.md"')
})

test("markup in a guide is shown as text", () => {
  expect(all.find(({ slug }) => slug === "frontend")!.html).toContain("&lt;iframe sandbox srcdoc")
})

test("commands stand out from what they print", () => {
  expect(api.html).toContain('<b class="command">curl -X POST localhost:3001/api/temporary-address</b>')
})

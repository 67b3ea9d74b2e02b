import { expect, test } from "vitest"
import { pieces } from "../src/state/text_links"

const links = (text: string): string[] =>
  pieces(text)
    .filter(({ isLink }) => isLink)
    .map((piece) => piece.text)

test.each([
  ["Confirm: https://acme.test/verify?t=Qm9w&x=1.", ["https://acme.test/verify?t=Qm9w&x=1"]],
  ["(see http://a.test/b), or <https://c.test>", ["http://a.test/b", "https://c.test"]],
  ["https://wiki.test/Mail_(post) is one", ["https://wiki.test/Mail_(post)"]],
  ["Quote “https://q.test/x”", ["https://q.test/x"]],
  ["HTTPS://A.TEST/B", ["HTTPS://A.TEST/B"]],
  ["no link: javascript:alert(1), xhttps://a.test, https://, ftp://a.test", []],
])("the links of %s", (text, expected) => {
  expect(links(text)).toEqual(expected)
})

test("the pieces together are the text", () => {
  const text = "\n  A https://a.test/1, and\r\nhttps://b.test. End  "
  expect(
    pieces(text)
      .map((piece) => piece.text)
      .join(""),
  ).toBe(text)
})

test("a hostile text has at most 500 links, and is read in linear time", () => {
  expect(links("https://a.test ".repeat(2_000))).toHaveLength(500)
  expect(links(`https://a.test/${")".repeat(1_000_000)}`)).toEqual(["https://a.test/"])
})

import { expect, test } from "vitest"
import { bestCode, bestLink, evidenceOf, groups, hue, initials } from "../src/state/people"

test("initials are the first letters of the first and the last word", () => {
  expect(initials("ACME Accounts")).toBe("AA")
  expect(initials("Jean-Luc de la Rue")).toBe("JR")
})

test("one word, or the name in an address, gives its first two letters", () => {
  expect(initials("Übersicht")).toBe("ÜB")
  expect(initials("no-reply@example.com")).toBe("NR")
  expect(initials("")).toBe("?")
})

test("senders are spread over the colours", () => {
  const hosts = ["acme.test", "shop.test", "laposte.test", "bahn.test", "github.test", "bank.test"]
  const hues = ["news", "info", "no-reply", "hello"].flatMap((name) => hosts.map((host) => hue(`${name}@${host}`)))
  expect(new Set(hues.map((each) => Math.floor(each / 30))).size).toBeGreaterThan(9)
  expect(hue("Ann@Shop.test")).toBe(hue("ann@shop.test"))
})

test("six and eight digits are shown in two groups", () => {
  expect(groups("482913")).toEqual(["482", "913"])
  expect(groups("7F2K9")).toEqual(["7F2K9"])
})

test("an unsure code is not offered", () => {
  const code = { value: "1234", confidence: 0.3, evidence: "1234", source: "text" as const }
  expect(bestCode([code])).toBeUndefined()
})

test("a link of another scheme is never offered", () => {
  const link = { text: "", kind: "verify" as const, target: null }
  expect(bestLink([{ ...link, url: "javascript:alert(1)" }])).toBeUndefined()
  expect(bestLink([{ ...link, url: "https://a.test/" }])?.url).toBe("https://a.test/")
})

test("the evidence of a code is cut around the code, with its gaps", () => {
  const code = { value: "482913", confidence: 1, source: "text" as const }
  expect(evidenceOf({ ...code, evidence: "Your code is 482 913." })).toEqual(["Your code is ", "482 913", "."])
  expect(evidenceOf({ ...code, evidence: "It is elsewhere" })).toEqual(["It is elsewhere", "", ""])
  expect(evidenceOf({ ...code, value: "A.1", evidence: "A.1 is it" })[1]).toBe("A.1")
})

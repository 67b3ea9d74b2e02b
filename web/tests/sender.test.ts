import { expect, test } from "vitest"
import type { Whole } from "../src/api/types"
import { results, verdict } from "../src/state/sender"

type Authentication = Whole["authentication"]

const CHECKED: Authentication = { status: "checked", dkim: [], header: [] }

function withDmarc(result: "pass" | "fail" | "none" | "temperror"): Authentication {
  return { ...CHECKED, dmarc: { result, reason: "why", domain: "shop.example", records: [] } }
}

test.each([
  [{ ...CHECKED, status: "pending" as const }, "pending"],
  [{ ...CHECKED, status: "not_checked" as const, reason: "busy" as const }, "unchecked"],
  [undefined, "unchecked"],
  [withDmarc("pass"), "confirmed"],
  [withDmarc("fail"), "refuted"],
  [withDmarc("none"), "open"],
  [withDmarc("temperror"), "open"],
])("%# the line says what the result for the domain in From is", (found, kind) => {
  expect(verdict(found).kind).toBe(kind)
})

test("the line names the domain", () => {
  expect(verdict(withDmarc("pass")).domain).toBe("shop.example")
})

test("each result and each finding has a row", () => {
  const result = { result: "pass" as const, reason: "why", records: [] }
  const found = {
    ...withDmarc("pass"),
    spf: result,
    dkim: [result, result],
    header: [{ fault: "bad_date" as const, reason: "no" }],
  }

  expect(results(found).map(({ name }) => name)).toEqual(["DMARC", "SPF", "DKIM", "DKIM", "Header"])
})

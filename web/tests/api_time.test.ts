import { expect, test } from "vitest"
import { apiTime, told } from "../src/state/api_time.svelte"

const HOUR = 3_600_000
const at = (milliseconds: number) => new Date(milliseconds).toUTCString()

test("the time of the API is that of its responses where the clock here is wrong", () => {
  const now = Date.now()

  told(at(now + HOUR))

  expect(Math.round((apiTime(now) - now) / HOUR)).toBe(1)
})

test("a clock that is right, and a response without a time, correct nothing", () => {
  const now = Date.now()

  for (const date of [at(now - 5_000), null, "soon"]) {
    told(date)
    expect(apiTime(now)).toBe(now)
  }
})

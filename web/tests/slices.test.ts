import { expect, test } from "vitest"
import { inSlices } from "../src/state/slices"

test("a burst is taken in order, and other tasks run between its slices", async () => {
  const taken: number[] = []
  const slices = new Set<number>()
  let ended = 0
  const all = new Promise<void>((resolve) => {
    const take = inSlices((value: number) => {
      slices.add(ended)
      // The microtasks of a task run at its end.
      queueMicrotask(() => (ended = taken.length))
      taken.push(value)
      if (value === 199) resolve()
    })
    for (let value = 0; value < 200; value++) take(value)
  })

  await all

  expect(taken).toEqual(Array.from({ length: 200 }, (_, value) => value))
  expect([...slices]).toEqual([0, 50, 100, 150])
})

import { expect, test } from "vitest"
import type { Inbox, Listed, Page, Summary } from "../src/api/types"
import { Box } from "../src/state/box.svelte"

const summary = (seq: number) => ({ id: `id-${seq}`, seq, seen: false, preview: "" }) as Summary
const page = (seqs: readonly number[], next_cursor: string | null = null) =>
  ({ messages: seqs.map(summary), next_cursor }) as unknown as Page
const inbox = (last_seq: number, message_count: number) => ({ last_seq, message_count }) as Inbox
const arrives = (box: Box, seq: number) => box.received({ ...summary(seq), body_text: "" } as unknown as Listed)
const seqs = (box: Box) => box.visible.map(({ seq }) => seq)

/** A mailbox that has listed its messages 1 to 6, the newest three of them at first. */
function listed(): Box {
  const box = new Box({ address: "a@b.test", expiresAt: 0 })
  box.listed(page([6, 5, 4], "older"), [], inbox(6, 6))
  box.listedOlder(page([3, 2, 1]))
  return box
}

test("a message that arrives while the list is read stays", () => {
  const box = listed()
  const known = box.messages
  arrives(box, 7)

  box.listed(page([6, 5, 4], "older"), known, inbox(6, 6))

  expect(seqs(box)).toEqual([7, 6, 5, 4, 3, 2, 1])
  expect(box.gone.size).toBe(0)
})

test("a message that is deleted while the list is read does not come back", () => {
  const box = listed()
  const known = box.messages
  box.removed("id-5")

  box.listed(page([6, 5, 4], "older"), known, inbox(6, 6))

  expect(seqs(box)).toEqual([6, 4, 3, 2, 1])
})

test("a message that the list misses was deleted", () => {
  const box = listed()

  box.listed(page([6, 4, 3], "older"), box.messages, inbox(6, 5))

  expect(seqs(box)).toEqual([6, 4, 3, 2, 1])
  expect([...box.gone]).toEqual(["id-5"])
})

test("older messages are listed anew where more of them are known than exist", () => {
  const box = listed()

  box.listed(page([6, 5, 4], "older"), box.messages, inbox(6, 5))

  expect(seqs(box)).toEqual([6, 5, 4])
  expect(box.cursor).toBe("older")
})

test("an empty list empties the mailbox, but for what arrives meanwhile", () => {
  const box = listed()
  const known = box.messages
  arrives(box, 7)

  box.listed(page([]), known, inbox(6, 0))

  expect(seqs(box)).toEqual([7])
})

test("what a search found goes with its message", () => {
  const box = listed()
  const found = box.messages

  box.removed("id-2")

  expect(box.shown(found).map(({ seq }) => seq)).toEqual([6, 5, 4, 3, 1])
})

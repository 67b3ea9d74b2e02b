// The messages that are selected in the list, and what is done with all of them at once.

import type { Summary } from "../api/types"
import { atOnce } from "./at_once"
import { boxes } from "./boxes.svelte"
import { mark } from "./marks"
import { fail } from "./notices.svelte"
import { close, opened } from "./opened.svelte"
import { remove } from "./removal.svelte"
import { search } from "./search.svelte"

let ids = $state.raw<ReadonlySet<string>>(new Set())
let last: string | null = null

export const selected = {
  /** The selected messages that the list shows. */
  get all(): readonly Summary[] {
    return ids.size ? search.shown.filter(({ id }) => ids.has(id)) : []
  },
  has: (id: string): boolean => ids.has(id),
}

/** Select a message or leave it out; with `isRange` all from the last one that was chosen to this one. */
export function toggle(id: string, isRange = false): void {
  const list = search.shown.map((each) => each.id)
  const wanted = !ids.has(id)
  const [from, to] = [list.indexOf(isRange && last !== null ? last : id), list.indexOf(id)].sort((a, b) => a - b)
  const range = from! < 0 ? [id] : list.slice(from, to! + 1)
  ids = wanted ? new Set([...ids, ...range]) : new Set([...ids].filter((each) => !range.includes(each)))
  last = id
}

export function selectAll(): void {
  ids = new Set(search.shown.map(({ id }) => id))
}

export function selectNone(): void {
  ids = new Set()
  last = null
}

export function removeSelected(): void {
  const box = boxes.current
  const chosen = selected.all.map(({ id }) => id)
  selectNone()
  if (chosen.includes(opened.id ?? "")) close()
  if (box) remove(box, chosen)
}

/** Mark the selected messages as read or unread. */
export async function markSelected(seen: boolean): Promise<void> {
  const box = boxes.current
  if (!box) return
  const chosen = selected.all.filter((each) => each.seen !== seen).map(({ id }) => id)
  selectNone()
  for (const id of chosen) box.marked(id, seen)
  const failures = await atOnce(chosen, (id) => mark(box, id, seen))
  for (const { each } of failures) box.marked(each, !seen)
  if (failures[0]) fail(failures[0].thrown)
}

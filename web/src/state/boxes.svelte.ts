// The mailboxes of this browser, kept in its local storage, and the one that is shown.

import * as api from "../api/client"
import * as store from "../store"
import { Box, type Kept } from "./box.svelte"

const KEY = "mailboxes"
const SHOWN = "shown"

let all = $state.raw<readonly Box[]>([])
let shown = $state<string>("")
let isKept = $state(true)

export const boxes = {
  get all(): readonly Box[] {
    return all
  },
  get current(): Box | undefined {
    return all.find(({ address }) => address === shown) ?? all[0]
  },
  get unread(): number {
    return all.reduce((sum, box) => sum + (box.isOver ? 0 : box.unread), 0)
  },
  /** False where the browser refuses to keep them. */
  get areKept(): boolean {
    return isKept
  },
  find: (address: string): Box | undefined => all.find((box) => box.address === address),
}

/** Read what is kept, here or by another tab; what this tab knows of a mailbox stays. */
export function restore(): void {
  let found: unknown
  try {
    found = JSON.parse(store.load(KEY) ?? "")
  } catch {
    // Stored data that cannot be read is dropped, as is what is no mailbox.
  }
  const kept = Array.isArray(found) ? (found as readonly Partial<Kept>[]).filter(isMailbox) : []
  all = kept.map((each) => boxes.find(each.address) ?? new Box(each))
  shown ||= store.load(SHOWN) ?? ""
}

const isMailbox = (each: Partial<Kept> | null): each is Kept => /.@./.test(String(each?.address))

export function keep(): void {
  isKept = store.save(KEY, JSON.stringify(all.map((box) => box.kept())))
}

export function show(box: Box): void {
  shown = box.address
  store.save(SHOWN, shown)
}

export async function create(wish: api.Wish = {}): Promise<Box> {
  const made = await api.create(wish)
  const kept: Kept = { address: made.temp_email_addr, expiresAt: Date.parse(made.expires_at) }
  const box = new Box(made.token ? { ...kept, token: made.token } : kept)
  restore()
  all = [box, ...all]
  keep()
  show(box)
  return box
}

export function forget(box: Box): void {
  restore()
  all = all.filter(({ address }) => address !== box.address)
  keep()
}

export function forgetAll(): void {
  store.clear()
  all = []
  shown = ""
}

// The mailboxes of this browser, kept in its local storage, and the one that is shown.

import * as api from "../api/client"
import { Box, type Kept } from "./box.svelte"

const KEY = "fake-email.mailboxes"
const SHOWN = "fake-email.shown"

let all = $state.raw<readonly Box[]>([])
let shown = $state<string>("")

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
  find: (address: string): Box | undefined => all.find((box) => box.address === address),
}

/** Read what is kept, here or by another tab; what this tab knows of a mailbox stays. */
export function restore(): void {
  let kept: readonly Kept[] = []
  try {
    kept = JSON.parse(localStorage.getItem(KEY) ?? "[]") as readonly Kept[]
  } catch {
    // Stored data that cannot be read is dropped.
  }
  all = kept.map((each) => boxes.find(each.address) ?? new Box(each))
  shown ||= localStorage.getItem(SHOWN) ?? ""
}

export function keep(): void {
  localStorage.setItem(KEY, JSON.stringify(all.map((box) => box.kept())))
}

export function show(box: Box): void {
  shown = box.address
  localStorage.setItem(SHOWN, shown)
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
  for (const key of Object.keys(localStorage)) if (key.startsWith("fake-email.")) localStorage.removeItem(key)
  all = []
  shown = ""
}

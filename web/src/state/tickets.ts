// Tickets for the frames, pictures and downloads of a mailbox: what a URL may hold in place of the token.

import * as api from "../api/client"
import type { Key } from "../api/types"
import { apiTime } from "./api_time.svelte"

const MARGIN_MS = 300_000

const held = new Map<string, { ticket: Promise<string>; endsAt: number }>()

/** A ticket that opens this mailbox for a while yet. */
export async function ticketFor(box: Key): Promise<string> {
  const found = held.get(box.address)
  if (found && found.endsAt - apiTime() > MARGIN_MS) return found.ticket
  const made = api.ticket(box)
  const entry = { ticket: made.then(({ ticket }) => ticket), endsAt: Infinity }
  held.set(box.address, entry)
  try {
    entry.endsAt = Date.parse((await made).expires_at)
  } catch {
    held.delete(box.address) // the caller hears of it
  }
  return entry.ticket
}

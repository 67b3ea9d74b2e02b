// The message that is open, and its mark as read.

import * as api from "../api/client"
import { troubleOf, type Trouble } from "../api/problem"
import type { Summary, Whole } from "../api/types"
import { boxes } from "./boxes.svelte"
import { mark } from "./marks"
import { fail } from "./notices.svelte"
import { remove } from "./removal.svelte"
import { search } from "./search.svelte"
import { ticketFor } from "./tickets"

let id = $state<string | null>(null)
let whole = $state.raw<Whole | null>(null)
let ticket = $state("")
let problem = $state.raw<Trouble | null>(null)

export const opened = {
  get id(): string | null {
    return id
  },
  /** The message; while it is loaded, the one that was open before. */
  get whole(): Whole | null {
    return whole
  },
  /** Opens the HTML, the attachments and the source of the message in URLs. */
  get ticket(): string {
    return ticket
  },
  get problem(): Trouble | null {
    return problem
  },
  /** True when the message was deleted while it was open, by another client. */
  get isGone(): boolean {
    return id !== null && !!boxes.current?.gone.has(id)
  },
}

/** Show a message. The browser's way back leads to the list, which a phone needs. */
export async function open(wanted: string, isInHistory = false): Promise<void> {
  const box = boxes.current
  if (!box) return
  if (!isInHistory) history[id ? "replaceState" : "pushState"]({ id: wanted }, "")
  id = wanted
  problem = null
  try {
    const [message, opens] = await Promise.all([api.message(box, wanted), ticketFor(box)])
    if (id !== wanted) return
    ticket = opens
    if (whole?.id !== wanted) whole = message // else its check has ended meanwhile
    if (!message.seen) await setSeen(wanted, true)
  } catch (thrown) {
    if (id === wanted) problem = troubleOf(thrown)
  }
}

/** Show the check of the sender, which has ended, if the message is open. */
export async function checked(wanted: string): Promise<void> {
  const box = boxes.current
  if (!box || id !== wanted) return
  const message = await api.message(box, wanted).catch(() => null) // it is shown when the message is opened again
  if (message && id === wanted) whole = message
}

export function close(): void {
  if (id) history.back()
}

/** Show the list again, after the browser went back or the mailbox was changed. */
export function closed(): void {
  id = null
  whole = null
  problem = null
}

export async function setSeen(wanted: string, seen: boolean): Promise<void> {
  const box = boxes.current
  if (!box || box.gone.has(wanted)) return
  box.marked(wanted, seen)
  try {
    await mark(box, wanted, seen)
  } catch (thrown) {
    box.marked(wanted, !seen)
    fail(thrown, () => void setSeen(wanted, seen))
  }
}

/** The message before or after the open one in the list, which the open one may have left. */
export function neighbour(step: 1 | -1): Summary | undefined {
  const list = search.shown
  const at = list.findIndex((each) => each.id === id)
  if (at >= 0) return list[at + step]
  if (whole?.id !== id || !whole) return list[0]
  const { seq } = whole
  return step > 0 ? list.find((each) => each.seq < seq) : list.findLast((each) => each.seq > seq)
}

/** Delete the open message, and show the next one where there is space for both it and the list. */
export function removeOpened(): void {
  const box = boxes.current
  if (!box || !id) return
  const gone = id
  const after = neighbour(1) ?? neighbour(-1)
  if (after && matchMedia("(min-width: 48rem)").matches) void open(after.id)
  else close()
  remove(box, [gone])
}

// The message that is open, and what can be done with a message.

import * as api from "../api/client"
import { away, Problem } from "../api/problem"
import type { Summary, Whole } from "../api/types"
import { sentence, t } from "../words/words.svelte"
import type { Box } from "./box.svelte"
import { boxes } from "./boxes.svelte"
import { ticketFor } from "./live.svelte"
import { NOTICE_MS, say } from "./notices.svelte"
import { search } from "./search.svelte"

let id = $state<string | null>(null)
let whole = $state.raw<Whole | null>(null)
let ticket = $state("")
let problem = $state.raw<Problem | null>(null)

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
  get problem(): Problem | null {
    return problem
  },
}

/** Report a failed call in words. */
export function fail(thrown: unknown): void {
  say(sentence((thrown instanceof Problem ? thrown : away()).code), { wrong: true })
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
    whole = message
    if (!message.seen) await setSeen(wanted, true)
  } catch (thrown) {
    if (id === wanted) problem = thrown instanceof Problem ? thrown : away()
  }
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
  if (!box) return
  box.marked(wanted, seen)
  try {
    await api.mark(box, wanted, seen)
  } catch (thrown) {
    box.marked(wanted, !seen)
    fail(thrown)
  }
}

/** The message before or after the open one in the list. */
export function neighbour(step: 1 | -1): Summary | undefined {
  const list = search.shown
  const at = list.findIndex((each) => each.id === id)
  return at < 0 ? list[0] : list[at + step]
}

const pending = new Map<string, { box: Box; timer: ReturnType<typeof setTimeout> }>()

/** Hide a message, and delete it when it can no longer be restored. */
export function remove(wanted: string): void {
  const box = boxes.current
  if (!box || pending.has(wanted)) return
  const after = id === wanted ? (neighbour(1) ?? neighbour(-1)) : undefined
  const wasOpen = id === wanted
  box.hide(wanted)
  if (wasOpen && after && matchMedia("(min-width: 56rem)").matches) void open(after.id)
  else if (wasOpen) close()
  pending.set(wanted, { box, timer: setTimeout(() => void finish(wanted), NOTICE_MS) })
  say(t("deleted"), { undo: () => restore(wanted) })
}

function restore(wanted: string): void {
  const found = pending.get(wanted)
  clearTimeout(found?.timer)
  pending.delete(wanted)
  found?.box.restored(wanted)
}

async function finish(wanted: string, keepalive = false): Promise<void> {
  const found = pending.get(wanted)
  pending.delete(wanted)
  clearTimeout(found?.timer)
  if (!found) return
  try {
    await api.remove(found.box, wanted, keepalive)
    found.box.removed(wanted)
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === "message_not_found") return found.box.removed(wanted)
    found.box.restored(wanted)
    fail(thrown)
  }
}

/** Delete at once what waits for it: the page is about to end. */
export function finishAll(): void {
  for (const wanted of [...pending.keys()]) void finish(wanted, true)
}

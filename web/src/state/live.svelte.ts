// One stream for all mailboxes, by a ticket. It goes on by itself, and lists what it may have missed.

import * as api from "../api/client"
import { events } from "../api/events"
import type { StreamEvent } from "../api/parse"
import { away, Problem } from "../api/problem"
import type { Ticket } from "../api/types"
import type { Box } from "./box.svelte"
import { boxes, keep } from "./boxes.svelte"

export type Status = "idle" | "connecting" | "catching_up" | "live" | "offline" | "away" | "limited"

const MAX_MAILBOXES = 50 // of a ticket
const MAX_PAUSE_MS = 15_000
const END_PAUSE_MS = 300
const TICKET_MARGIN_MS = 60_000

let status = $state<Status>("idle")
let triesAt = $state(0)
let stop = new AbortController()
let wake = (): void => {}
let isLeft = false
let held: { ticket: Ticket; addresses: readonly string[] } | null = null

export const live = {
  get status(): Status {
    return status
  },
  /** When the next try is, while calls are limited. */
  get triesAt(): number {
    return triesAt
  },
}

/** Open the stream anew: the mailboxes have changed, or the network is back. */
export function reconnect(): void {
  stop.abort()
  wake()
}

/** End the stream: the browser may keep a page that was left, and its connections with it. */
export function leave(): void {
  isLeft = true
  stop.abort()
}

export function comeBack(): void {
  isLeft = false
  wake()
}

/** A ticket that opens this mailbox for a while yet. */
export async function ticketFor(box: Box): Promise<string> {
  const fresh = held && Date.parse(held.ticket.expires_at) - Date.now() > TICKET_MARGIN_MS
  if (held && fresh && held.addresses.includes(box.address)) return held.ticket.ticket
  return (await api.ticket([box])).ticket
}

export async function run(onMessage: () => void): Promise<never> {
  for (let failures = 0; ; ) {
    stop = new AbortController()
    const followed = boxes.all.filter((box) => !box.isOver).slice(0, MAX_MAILBOXES)
    if (!followed.length || isLeft) {
      status = "idle"
      await pause(Infinity)
      continue
    }
    try {
      if (!failures) status = "connecting"
      const ticket = await api.ticket(followed)
      held = { ticket, addresses: followed.map(({ address }) => address) }
      for await (const event of events(ticket.ticket, stop.signal)) {
        if (event) {
          apply(event)
          if (event.name === "message") onMessage()
          continue
        }
        status = "catching_up"
        await Promise.all(followed.map(catchUp))
        failures = 0
        status = "live"
      }
      // The ticket has expired, or the service stops: not at once, since a proxy may end every stream.
      if (!stop.signal.aborted) await pause(END_PAUSE_MS)
    } catch (thrown) {
      const problem = thrown instanceof Problem ? thrown : away()
      failures += 1
      if (problem.code === "mailbox_not_found" && (await findOver(followed))) continue
      status = problem.status === 429 ? "limited" : navigator.onLine ? "away" : "offline"
      const backoff = Math.min(MAX_PAUSE_MS, 250 * 2 ** failures) * (0.75 + Math.random() / 2)
      const wait = Math.max(backoff, problem.retryAfter * 1_000)
      triesAt = Date.now() + wait
      await pause(wait)
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = milliseconds === Infinity ? 0 : setTimeout(resolve, milliseconds)
    wake = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}

/** Read the counts of a mailbox, and the newest messages of one that is or was shown. */
export async function catchUp(box: Box): Promise<void> {
  try {
    const isShown = box.isListed || box === boxes.current
    const [inbox, page] = await Promise.all([api.inbox(box), isShown ? api.list(box, "", null) : null])
    box.counted(inbox)
    if (page) box.listed(page)
    keep()
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code !== "mailbox_not_found") throw thrown
    box.isOver = true
  }
}

async function findOver(followed: readonly Box[]): Promise<boolean> {
  try {
    await Promise.all(followed.map(catchUp))
  } catch {
    return false
  }
  return followed.some((box) => box.isOver)
}

function apply(event: StreamEvent): void {
  if (event.name === "expired") return
  const box = boxes.find(event.data.temp_email_addr)
  if (!box) return
  switch (event.name) {
    case "message":
      box.received(event.data)
      break
    case "seen":
      box.marked(event.data.id, event.data.seen)
      count(box)
      break
    case "deleted":
      box.removed(event.data.id)
      count(box)
      break
    case "gone":
      box.isOver = true
  }
}

const counting = new Set<Box>()

/** Read the counts once after a burst of changes. */
function count(box: Box): void {
  if (counting.has(box)) return
  counting.add(box)
  setTimeout(() => {
    counting.delete(box)
    api.inbox(box).then(
      (inbox) => box.counted(inbox),
      () => {}, // the stream tells what is wrong
    )
  }, 300)
}

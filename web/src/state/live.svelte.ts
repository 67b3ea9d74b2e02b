// One stream for all mailboxes, by a ticket of the client's. It goes on by itself, and what it may have missed is listed.

import { Stream, type StreamEvent, type StreamState } from "../../../clients/typescript/src/calls"
import * as api from "../api/client"
import { isGone, troubleOf } from "../api/problem"
import type { Listed } from "../api/types"
import type { Box } from "./box.svelte"
import { boxes, keep } from "./boxes.svelte"
import { checked } from "./opened.svelte"
import { again } from "./search.svelte"
import { inSlices } from "./slices"

export type Status = "idle" | "connecting" | "catching_up" | "live" | "offline" | "away" | "limited"

const MAX_MAILBOXES = 50 // of a ticket
const PAUSE_MS = 2_000

const TROUBLE: readonly Status[] = ["offline", "away", "limited"]

let status = $state<Status>("idle")
let isLost = $state(false)
let triesAt = $state(0)
let stop = new AbortController()
let wake = (): void => {}
let isLeft = false
let followed: readonly Box[] = []

export const live = {
  get status(): Status {
    return status
  },
  /** True from the loss of the stream until it is open again: an attempt to connect is no connection. */
  get isLost(): boolean {
    return isLost
  },
  /** When the next attempt is, while calls are limited. */
  get triesAt(): number {
    return triesAt
  },
}

/** Open the stream anew: the mailboxes have changed. */
export function reconnect(): void {
  stop.abort()
  wake()
}

/** Follow the mailbox that is shown, also where there are more than a ticket opens. */
export function followShown(): void {
  const box = boxes.current
  if (box && followed.length === MAX_MAILBOXES && !followed.includes(box)) reconnect()
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

/** Follow all mailboxes for as long as the page is open. */
export async function run(onMessage: (box: Box, message: Listed) => void): Promise<never> {
  for (;;) {
    stop = new AbortController()
    const shown = boxes.current
    const others = boxes.all.filter((box) => box !== shown)
    followed = (shown ? [shown, ...others] : others).filter((box) => !box.isOver).slice(0, MAX_MAILBOXES)
    if (!followed.length || isLeft) {
      become("idle")
      await pause(Infinity)
      continue
    }
    try {
      await follow(followed, stop, onMessage)
    } catch (thrown) {
      failed(thrown, PAUSE_MS)
      await pause(Math.max(PAUSE_MS, triesAt - Date.now()))
    }
  }
}

async function follow(
  followed: readonly Box[],
  { signal }: AbortController,
  onMessage: (box: Box, message: Listed) => void,
): Promise<void> {
  let state: StreamState = "connecting"
  let isListed = false
  let failure: unknown
  const lost = new AbortController()
  const tell = (): void => {
    if (signal.aborted) return
    if (state === "open") become(isListed ? "live" : "catching_up")
    else if (state === "catching up") become("catching_up")
    else if (state === "offline") become(troubleStatus())
    else if (state === "connecting") become("connecting")
  }
  const stream = new Stream(api.caller, followed, {
    since: "now",
    signal: AbortSignal.any([signal, lost.signal]),
    onFailure: failed,
    onState(now) {
      // The mail before `now` is listed, once the stream is open.
      if (now === "catching up" && !isListed) {
        Promise.all(followed.map(catchUp)).then(
          () => ((isListed = true), tell()),
          (thrown: unknown) => ((failure = thrown), lost.abort()),
        )
      }
      state = now
      tell()
    },
  })
  become("connecting")
  const take = inSlices((event: StreamEvent) => apply(event, onMessage))
  for await (const event of stream) take(event)
  if (failure) throw failure
}

let lastFailure: Status = "away"

function failed(thrown: unknown, delay: number): void {
  const { code, triesAt: wanted } = troubleOf(thrown)
  lastFailure = code === "rate_limited" || code === "too_many_streams" ? "limited" : "away"
  triesAt = Math.max(wanted, Date.now() + delay)
  become(troubleStatus())
}

function become(now: Status): void {
  status = now
  isLost = TROUBLE.includes(now) || (isLost && now !== "live")
}

function troubleStatus(): Status {
  return navigator.onLine ? lastFailure : "offline"
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
    const known = box.messages
    const [inbox, page] = await Promise.all([api.inbox(box), isShown ? api.list(box, "", null) : null])
    box.counted(inbox)
    if (page) box.listed(page, known, inbox)
    keep()
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown
    box.isOver = true
  }
}

function apply(event: StreamEvent, onMessage: (box: Box, message: Listed) => void): void {
  const box = boxes.find(event.address)
  if (!box) return
  switch (event.type) {
    case "message":
      if (box.received(event.message)) onMessage(box, event.message)
      break
    case "seen":
      box.marked(event.id, event.seen)
      count(box)
      break
    case "checked":
      void checked(event.id)
      break
    case "deleted":
      box.removed(event.id)
      count(box)
      break
    case "changed":
      catchUp(box).catch(() => reconnect())
      if (box === boxes.current) again()
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

// The actions of a person on the mailboxes.

import * as api from "../api/client"
import { isGone, troubleOf, type Trouble } from "../api/problem"
import { span, t } from "../words/words.svelte"
import type { Box } from "./box.svelte"
import * as kept from "./boxes.svelte"
import { apiTime } from "./api_time.svelte"
import { catchUp, reconnect } from "./live.svelte"
import { fail, say } from "./notices.svelte"
import { close, closed } from "./opened.svelte"
import { remove } from "./removal.svelte"
import { search } from "./search.svelte"
import { selectNone } from "./selected.svelte"

const DAY_SECONDS = 86_400
const MAX_SECONDS = 7 * DAY_SECONDS // of the life of a mailbox
const MINUTE_MS = 60_000
const PAUSE_MS = 5_000

let isMaking = $state(false)
let problem = $state.raw<Trouble | null>(null)

export const making = {
  get isOn(): boolean {
    return isMaking
  },
  /** Why there is no new mailbox. */
  get problem(): Trouble | null {
    return problem
  },
}

/** Make a mailbox and show it; false when that failed, which a dialog that asked for it tells itself. */
export async function make(wish: api.Wish = {}, isAsked = false): Promise<boolean> {
  if (isMaking) return false
  isMaking = true
  problem = null
  try {
    const box = await kept.create(wish)
    box.isListed = true
    leaveBox()
    reconnect()
    return true
  } catch (thrown) {
    problem = troubleOf(thrown)
    if (!kept.boxes.all.length) makeLater(problem)
    if (kept.boxes.all.length && !isAsked) fail(thrown, () => void make(wish))
    return false
  } finally {
    isMaking = false
  }
}

let later: ReturnType<typeof setTimeout> | undefined

/** Try again by itself: without a mailbox the page is of no use. */
function makeLater({ passes, triesAt }: Trouble): void {
  clearTimeout(later)
  if (!passes) return
  later = setTimeout(makeFirst, Math.max(PAUSE_MS, triesAt - Date.now()))
}

/** Make the mailbox of a browser that has none: one, in however many tabs. */
export async function makeFirst(): Promise<void> {
  const first = async (): Promise<void> => {
    kept.restore()
    if (!kept.boxes.all.length) await make()
  }
  if (kept.boxes.all.length) return
  // A page without TLS has no locks.
  await ("locks" in navigator ? navigator.locks.request("fake-email.first", first) : first())
}

/** Show another mailbox. */
export function choose(box: Box): void {
  if (box === kept.boxes.current) return
  leaveBox()
  kept.show(box)
  if (!box.isOver && !box.isListed) catchUp(box).catch(fail)
}

/** Leave the view of the mailbox that is shown. */
export function leaveBox(): void {
  closed()
  selectNone()
  search.query = ""
}

export async function extend(box: Box): Promise<void> {
  try {
    const before = box.expiresAt
    const wanted = Math.floor((before - apiTime()) / 1_000) + DAY_SECONDS
    box.counted(await api.extend(box, Math.min(MAX_SECONDS, wanted)))
    kept.keep()
    const isLonger = box.expiresAt - before > MINUTE_MS
    say(t(isLonger ? "extended" : "longest", { span: span(box.expiresAt - apiTime()) }))
  } catch (thrown) {
    fail(thrown, () => void extend(box))
  }
}

export async function end(box: Box): Promise<void> {
  try {
    await api.end(box)
  } catch (thrown) {
    if (!isGone(thrown)) return fail(thrown, () => void end(box))
  }
  say(t("ended"))
  await forget(box)
}

/** Remove a mailbox from this browser; where it was the last one, make another. */
export async function forget(box: Box): Promise<void> {
  leaveBox()
  kept.forget(box)
  reconnect()
  const next = kept.boxes.current
  if (!next) await makeFirst()
  else if (!next.isOver && !next.isListed) catchUp(next).catch(fail)
}

export async function markAll(box: Box): Promise<void> {
  try {
    await api.markAll(box)
    for (const { id, seen } of box.messages) if (!seen) box.marked(id, true)
  } catch (thrown) {
    fail(thrown, () => void markAll(box))
  }
}

/** Delete all messages of the mailbox; mail that arrives meanwhile stays. */
export function removeAll(box: Box): void {
  const [newest] = box.visible
  if (!newest) return
  close()
  const ids = box.visible.map(({ id }) => id)
  remove(box, ids, newest.received_at)
}

export async function copy(text: string, done: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    say(done)
  } catch {
    say(t("copy_failed"), { wrong: true })
  }
}

export const copyCode = (code: string): Promise<void> => copy(code, t("code_copied", { code }))

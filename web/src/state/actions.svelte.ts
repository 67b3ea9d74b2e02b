// What a person does with the mailboxes.

import * as api from "../api/client"
import { away, Problem } from "../api/problem"
import { span, t } from "../words/words.svelte"
import type { Box } from "./box.svelte"
import * as kept from "./boxes.svelte"
import { catchUp, reconnect } from "./live.svelte"
import { say } from "./notices.svelte"
import { closed, fail } from "./opened.svelte"
import { search } from "./search.svelte"

const DAY_SECONDS = 86_400
const MAX_SECONDS = 7 * DAY_SECONDS // of the life of a mailbox
const MINUTE_MS = 60_000

let isMaking = $state(false)
let problem = $state.raw<Problem | null>(null)

export const making = {
  get isOn(): boolean {
    return isMaking
  },
  /** Why there is no new mailbox. */
  get problem(): Problem | null {
    return problem
  },
}

/** Make a mailbox and show it; false when that failed. */
export async function make(wish: api.Wish = {}): Promise<boolean> {
  if (isMaking) return false
  isMaking = true
  problem = null
  try {
    const box = await kept.create(wish)
    box.isListed = true
    leave()
    reconnect()
    return true
  } catch (thrown) {
    problem = thrown instanceof Problem ? thrown : away()
    if (kept.boxes.all.length) fail(problem)
    return false
  } finally {
    isMaking = false
  }
}

/** Show another mailbox. */
export function choose(box: Box): void {
  if (box === kept.boxes.current) return
  leave()
  kept.show(box)
  if (!box.isOver && !box.isListed) catchUp(box).catch(fail)
}

function leave(): void {
  closed()
  search.query = ""
}

export async function extend(box: Box): Promise<void> {
  try {
    const before = box.expiresAt
    const wanted = Math.floor((before - Date.now()) / 1_000) + DAY_SECONDS
    box.counted(await api.extend(box, Math.min(MAX_SECONDS, wanted)))
    kept.keep()
    const isLonger = box.expiresAt - before > MINUTE_MS
    say(t(isLonger ? "extended" : "longest", { span: span(box.expiresAt - Date.now()) }))
  } catch (thrown) {
    fail(thrown)
  }
}

export async function end(box: Box): Promise<void> {
  try {
    await api.end(box)
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code !== "mailbox_not_found") return fail(thrown)
  }
  say(t("ended"))
  await forget(box)
}

/** Remove a mailbox from this browser; where it was the last one, make another. */
export async function forget(box: Box): Promise<void> {
  leave()
  kept.forget(box)
  reconnect()
  const next = kept.boxes.current
  if (!next) await make()
  else if (!next.isOver && !next.isListed) catchUp(next).catch(fail)
}

export async function markAll(box: Box): Promise<void> {
  try {
    await api.markAll(box)
    for (const { id, seen } of box.messages) if (!seen) box.marked(id, true)
  } catch (thrown) {
    fail(thrown)
  }
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

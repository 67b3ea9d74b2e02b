// The notices at the lower edge of the page: for a few seconds, or until a call that was refused may be made again.

import { troubleOf } from "../api/problem"
import { sentence } from "../words/words.svelte"

export interface Notice {
  readonly id: number
  readonly text: string
  readonly wrong: boolean
  /** When another attempt is worth it, in milliseconds since 1970; counted down. */
  readonly triesAt: number
  readonly undo?: () => void
  readonly again?: () => void
}

export const NOTICE_MS = 5_000
const MAX_MS = 60_000

let count = 0
let shown = $state.raw<readonly Notice[]>([])

export const notices = {
  get all(): readonly Notice[] {
    return shown
  },
}

export function dismiss(id: number): void {
  shown = shown.filter((notice) => notice.id !== id)
}

export function say(text: string, more: Partial<Omit<Notice, "id" | "text">> = {}): void {
  const id = ++count
  const notice = { id, text, wrong: false, triesAt: 0, ...more }
  shown = [...shown.filter((each) => each.text !== text || each.undo).slice(-2), notice]
  const stays = Math.max(NOTICE_MS, notice.triesAt - Date.now() + NOTICE_MS, notice.again ? 2 * NOTICE_MS : 0)
  setTimeout(() => dismiss(id), Math.min(MAX_MS + NOTICE_MS, stays))
}

/** Report a failed call in words, with the way out. */
export function fail(thrown: unknown, again?: () => void): void {
  const { code, passes, triesAt } = troubleOf(thrown)
  say(sentence(code), { wrong: true, triesAt, ...(passes && again ? { again } : {}) })
}

/** Undo what the newest notice that can be undone tells of. */
export function undoLast(): void {
  const last = shown.findLast((notice) => notice.undo)
  if (!last) return
  dismiss(last.id)
  last.undo?.()
}

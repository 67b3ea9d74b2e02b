// What the page says at its lower edge for a few seconds.

export interface Notice {
  readonly id: number
  readonly text: string
  readonly wrong: boolean
  readonly undo?: () => void
}

export const NOTICE_MS = 5_000

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

export function say(text: string, more: { wrong?: boolean; undo?: () => void } = {}): number {
  const id = ++count
  shown = [...shown.slice(-2), { id, text, wrong: false, ...more }]
  setTimeout(() => dismiss(id), NOTICE_MS)
  return id
}

/** Undo what the newest notice that can be undone tells of. */
export function undoLast(): void {
  const last = shown.findLast((notice) => notice.undo)
  if (!last) return
  dismiss(last.id)
  last.undo?.()
}

// The keys of the page; Settings.svelte lists them.

import { copy, copyCode, make } from "./state/actions.svelte"
import { boxes } from "./state/boxes.svelte"
import { undoLast } from "./state/notices.svelte"
import { close, neighbour, open, opened, remove, setSeen } from "./state/opened.svelte"
import { bestCode } from "./state/people"
import { t } from "./words/words.svelte"

function step(by: 1 | -1): void {
  const next = neighbour(by)
  if (!next) return
  void open(next.id)
  document.querySelector<HTMLElement>(`[data-message="${next.id}"]`)?.focus()
}

function unread(): void {
  if (!opened.id) return
  void setSeen(opened.id, false)
  close()
}

/** What a key does; undefined for a key of the browser. */
export function action(key: string, find: () => void, help: () => void): (() => void) | undefined {
  const box = boxes.current
  const code = opened.whole?.id === opened.id ? bestCode(opened.whole?.codes ?? []) : undefined
  switch (key) {
    case "c":
      return box && !box.isOver ? () => void copy(box.address, t("copied")) : undefined
    case "n":
      return () => void make()
    case "/":
      return find
    case "j":
    case "ArrowDown":
      return () => step(1)
    case "k":
    case "ArrowUp":
      return () => step(-1)
    case "y":
      return code ? () => void copyCode(code.value) : undefined
    case "u":
      return unread
    case "Delete":
    case "#":
      return opened.id ? () => remove(opened.id!) : undefined
    case "z":
      return undoLast
    case "Escape":
      return opened.id ? close : undefined
    case "?":
      return help
  }
}

// The keys of the page; parts/Keys.svelte lists them.

import type { Code } from "./api/types"
import { copy, copyCode, make } from "./state/actions.svelte"
import { boxes } from "./state/boxes.svelte"
import { dialog } from "./state/dialogs.svelte"
import { undoLast } from "./state/notices.svelte"
import { close, neighbour, open, opened, removeOpened, setSeen } from "./state/opened.svelte"
import { bestCode } from "./state/people"
import { search } from "./state/search.svelte"
import { markSelected, removeSelected, selected, selectNone, toggle } from "./state/selected.svelte"
import { t } from "./words/words.svelte"

const BROWSERS = "input:not([type=checkbox]), select, textarea, dialog, [role=tablist]"

function step(by: 1 | -1): void {
  const next = neighbour(by)
  if (!next) return
  void open(next.id)
  focusOpened()
}

function focusOpened(): void {
  document.querySelector<HTMLElement>(`[data-message="${opened.id}"]`)?.focus()
}

/** The row that had the focus leaves the list. */
function removeAndGoOn(): void {
  removeOpened()
  focusOpened()
}

function unread(): void {
  if (selected.all.length) return void markSelected(false)
  if (!opened.id) return
  void setSeen(opened.id, false)
  close()
}

/** The message that has the focus in the list, else the open one. */
function current(): string | null {
  return (
    document.activeElement?.closest("li")?.querySelector<HTMLElement>("[data-message]")?.dataset["message"] ?? opened.id
  )
}

/** The code of the open message, else the newest one in the list. */
function code(): Code | undefined {
  const { id, whole } = opened
  if (id) return whole?.id === id ? bestCode(whole.codes) : undefined
  return search.shown.map(({ codes }) => bestCode(codes)).find(Boolean)
}

/** The action of a key; undefined for a key of the browser. */
export function action(event: KeyboardEvent): (() => void) | undefined {
  const { target } = event
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if ((event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey && key === "k")
    return () => dialog.open("palette")
  if (!(target instanceof Element) || event.ctrlKey || event.metaKey || event.altKey || target.closest(BROWSERS)) return
  if (key.startsWith("Arrow") && target.closest(".view, pre, [role=tabpanel]")) return

  const box = boxes.current
  const isLive = box && !box.isOver
  switch (key) {
    case "c":
      return isLive ? () => void copy(box.address, t("copied")) : undefined
    case "n":
      return () => void make()
    case "q":
      return isLive ? () => dialog.open("qr") : undefined
    case "/":
      return () => document.querySelector<HTMLInputElement>("[type=search]")?.focus()
    case "j":
    case "ArrowDown":
      return () => step(1)
    case "k":
    case "ArrowUp":
      return () => step(-1)
    case "x": {
      const id = current()
      return id ? () => toggle(id) : undefined
    }
    case "y": {
      const found = code()
      return found ? () => void copyCode(found.value) : undefined
    }
    case "u":
      return unread
    case "Delete":
    case "#":
      if (selected.all.length) return removeSelected
      return opened.id ? removeAndGoOn : undefined
    case "z":
      return undoLast
    case "Escape":
      if (selected.all.length) return selectNone
      return opened.id ? close : undefined
    case "?":
      return () => dialog.open("keys")
  }
}

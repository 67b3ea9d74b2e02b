// The dialog that is open; each is loaded when it is opened for the first time.

import type { Component } from "svelte"
import { withWords } from "../words/words.svelte"

const DIALOGS = {
  name: () => import("../parts/NewBox.svelte"),
  end: () => import("../parts/EndBox.svelte"),
  qr: () => import("../parts/QrCode.svelte"),
  attempts: () => import("../parts/Attempts.svelte"),
  settings: () => import("../parts/Settings.svelte"),
  keys: () => import("../parts/Keys.svelte"),
  palette: () => import("../parts/Palette.svelte"),
} as const

export type DialogName = keyof typeof DIALOGS

/** The part that shows this dialog. */
export const loadDialog = (name: DialogName) =>
  withWords<{ default: Component<{ onclose: () => void }> }>(DIALOGS[name])

let shown = $state<DialogName | null>(null)

export const dialog = {
  get shown(): DialogName | null {
    return shown
  },
  open(name: DialogName): void {
    shown = name
  },
  close(): void {
    shown = null
  },
}

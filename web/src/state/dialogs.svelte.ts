// The dialog that is open; each is loaded when it is opened for the first time.

export const DIALOGS = {
  name: () => import("../parts/NewBox.svelte"),
  end: () => import("../parts/EndBox.svelte"),
  qr: () => import("../parts/QrCode.svelte"),
  attempts: () => import("../parts/Attempts.svelte"),
  settings: () => import("../parts/Settings.svelte"),
  keys: () => import("../parts/Keys.svelte"),
  palette: () => import("../parts/Palette.svelte"),
} as const

export type DialogName = keyof typeof DIALOGS

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

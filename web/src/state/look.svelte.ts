// The colours that are chosen: light, dark, or as the system has it.

import * as store from "../store"

const KEY = "theme"

export const THEMES = ["system", "light", "dark"] as const
export type Theme = (typeof THEMES)[number]

const system = matchMedia("(prefers-color-scheme: dark)")
let theme = $state<Theme>("system")
let isSystemDark = $state(system.matches)

system.addEventListener("change", ({ matches }) => (isSystemDark = matches))

export const look = {
  get theme(): Theme {
    return theme
  },
  get isDark(): boolean {
    return theme === "dark" || (theme === "system" && isSystemDark)
  },
}

export function paint(wanted: Theme): void {
  theme = wanted
  document.documentElement.dataset["theme"] = wanted
  store.save(KEY, wanted)
}

export function wantedTheme(): Theme {
  const kept = store.load(KEY)
  return THEMES.find((each) => each === kept) ?? "system"
}

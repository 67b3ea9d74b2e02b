// The colours that are chosen: light, dark, or as the system has it.

const KEY = "fake-email.theme"

export const THEMES = ["system", "light", "dark"] as const
export type Theme = (typeof THEMES)[number]

let theme = $state<Theme>("system")

export const look = {
  get theme(): Theme {
    return theme
  },
}

export function paint(wanted: Theme): void {
  theme = wanted
  document.documentElement.dataset["theme"] = wanted
  localStorage.setItem(KEY, wanted)
}

export function wantedTheme(): Theme {
  const kept = localStorage.getItem(KEY)
  return THEMES.find((each) => each === kept) ?? "system"
}

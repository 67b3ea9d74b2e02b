// The program of the pages that are text: the colours and the language that the inbox was set to.

import { load, save } from "../store"

const LANGUAGES = { en: "English", de: "Deutsch" }
type Language = keyof typeof LANGUAGES

export function paintAsChosen(): void {
  const theme = load("theme")
  if (theme) document.documentElement.dataset["theme"] = theme
}

/** Of articles that say the same in several languages, show one, and a way to the others. */
function speak(wanted: Language): void {
  const articles = [...document.querySelectorAll<HTMLElement>("article.spoken")]
  const shown = articles.find(({ lang }) => lang === wanted)
  if (!shown) return
  document.documentElement.lang = wanted
  document.title = `${shown.querySelector("h1")?.textContent ?? ""} · fake-email`
  for (const article of articles) {
    article.hidden = article !== shown
    article.querySelector(".languages")?.remove()
  }
  const ways = document.createElement("p")
  ways.className = "languages"
  for (const [language, name] of Object.entries(LANGUAGES)) {
    const button = document.createElement("button")
    Object.assign(button, { className: "button", lang: language, textContent: name })
    button.setAttribute("aria-pressed", String(language === wanted))
    button.addEventListener("click", () => {
      save("language", language)
      speak(language as Language)
      document.querySelector<HTMLElement>(".languages button[aria-pressed=true]")?.focus()
    })
    ways.append(button)
  }
  shown.append(ways)
}

/** A narrow window has the guides behind a button, which begins closed. */
function fold(): void {
  const narrow = matchMedia("(max-width: 55.99rem)")
  const follow = () => document.querySelectorAll("details").forEach((each) => (each.open = !narrow.matches))
  narrow.addEventListener("change", follow)
  follow()
}

const wishes = [load("language") ?? "", ...navigator.languages].map((each) => each.slice(0, 2))
paintAsChosen()
speak((wishes.find((each) => each in LANGUAGES) ?? "en") as Language)
fold()

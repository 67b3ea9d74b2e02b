// The words of the page: a JSON file for each language, and dates, numbers and sizes as the language writes them.

import { load, save } from "../store"
import { first as en } from "./en.json?first"

type First = typeof en
type Later = typeof import("./en.json").later
type Word = keyof First
type LaterWord = keyof Later
type Values = Record<string, string | number>

export const LANGUAGES = { en: "English", de: "Deutsch" } as const
export type Language = keyof typeof LANGUAGES

const firsts: Record<Language, () => First | Promise<First>> = {
  en: () => en,
  de: () => import("./de.json?first").then(({ first }) => first),
}
const laters: Record<Language, () => Promise<Later>> = {
  en: () => import("./en.json?later").then(({ later }) => later),
  de: () => import("./de.json?later").then(({ later }) => later),
}

let language = $state<Language>("en")
let words = $state.raw<First & Partial<Later>>(en)
let isWhole = false

export function currentLanguage(): Language {
  return language
}

export async function speak(wanted: Language): Promise<void> {
  const [first, later] = await Promise.all([firsts[wanted](), isWhole ? laters[wanted]() : null])
  words = { ...first, ...later }
  language = wanted
  document.documentElement.lang = wanted
  save("language", wanted)
}

/** Load a part of the page that is not in the first view, and the words for such parts. */
export async function withWords<T>(load: () => Promise<T>): Promise<T> {
  const [part, later] = await Promise.all([load(), isWhole ? null : laters[language]()])
  if (later) words = { ...words, ...later }
  isWhole = true
  return part
}

/** The language that was chosen, else the first of the browser's that the page has. */
export function wantedLanguage(): Language {
  const wishes = [load("language") ?? "", ...navigator.languages]
  const known = wishes.map((wish) => wish.slice(0, 2)).find((wish) => wish in LANGUAGES)
  return (known as Language | undefined) ?? "en"
}

/** The sentence under this name. `{n}` and the like stand for values; `n` also chooses between one and many. */
export function t(word: Word, values?: Values): string {
  return tLater(word, values)
}

/** The same for a part that `withWords` loads, with the words of such parts. */
export function tLater(word: Word | LaterWord, values: Values = {}): string {
  const found: unknown = words[word] ?? ""
  const text = typeof found === "string" ? found : plural(found as Record<string, string>, Number(values["n"]))
  return text.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all))
}

function plural(forms: Record<string, string>, n: number): string {
  return forms[new Intl.PluralRules(language).select(n)] ?? forms["other"] ?? ""
}

/** The sentence for a problem of the API, by its code. */
export function sentence(code: string): string {
  const word = `problem_${code}`
  return t(word in words ? (word as Word) : "problem_other")
}

/** The age of a moment in a few letters. */
export function age(then: number, now: number): string {
  const seconds = Math.max(0, (now - then) / 1000)
  if (seconds < 45) return t("now")
  if (seconds < 3_600) return unit(Math.max(1, Math.round(seconds / 60)), "minute")
  if (seconds < 86_400) return unit(Math.round(seconds / 3_600), "hour")
  return unit(Math.round(seconds / 86_400), "day")
}

/** A span in its two largest units, as in `23h 41m`. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "day"],
    [Math.floor(seconds / 3_600) % 24, "hour"],
    [Math.floor(seconds / 60) % 60, "minute"],
    [seconds % 60, "second"],
  ]
  const first = Math.max(
    0,
    parts.findIndex(([n]) => n > 0),
  )
  const shown = parts.slice(first, seconds < 600 ? first + 2 : Math.min(first + 2, 3)).filter(([n]) => n > 0)
  return (shown.length ? shown : parts.slice(-1)).map(([n, name]) => unit(n, name)).join(" ")
}

// The shortest that reads well: of German hours, the narrow form has the English letter.
const UNITS = { en: "narrow", de: "short" } as const

// A new format costs more than a hundred uses of it.
const formats = new Map<string, Intl.NumberFormat>()

function unit(n: number, name: string): string {
  const key = `${language} ${name}`
  const format =
    formats.get(key) ??
    new Intl.NumberFormat(language, {
      style: "unit",
      unit: name,
      unitDisplay: name === "day" ? "long" : UNITS[language],
    })
  formats.set(key, format)
  return format.format(n)
}

export function size(octets: number): string {
  const [n, name] =
    octets < 1_000 ? [octets, "byte"] : octets < 1e6 ? [octets / 1e3, "kilobyte"] : [octets / 1e6, "megabyte"]
  const digits = n < 10 && name === "megabyte" ? 1 : 0
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: name,
    unitDisplay: name === "byte" ? "long" : "short",
    maximumFractionDigits: digits,
  }).format(n)
}

export function moment(then: number): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(then)
}

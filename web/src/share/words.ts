// The words of the page of shared mail, apart from those of the inbox, which loads only its own.

import { currentLanguage } from "../words/words.svelte"
import de from "./words/de.json"
import en from "./words/en.json"

export type Word = keyof typeof en

const WORDS: Record<string, Record<Word, string>> = { en, de }

/** The sentence under this name; `{name}` and the like stand for values. */
export function t(word: Word, values: Record<string, string | number> = {}): string {
  const text = (WORDS[currentLanguage()] ?? en)[word]
  return text.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all))
}

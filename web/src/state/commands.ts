// All that the command palette offers, for the mailbox and the message that are shown now.

import type { IconName } from "../parts/Icon.svelte"
import { LANGUAGES, speak, tLater as t, type Language } from "../words/words.svelte"
import { choose, copy, copyCode, extend, make, markAll, removeAll } from "./actions.svelte"
import { alerts, setAlert } from "./alerts.svelte"
import { boxes } from "./boxes.svelte"
import { dialog, type DialogName } from "./dialogs.svelte"
import { paint, THEMES } from "./look.svelte"
import { neighbour, open, opened, removeOpened } from "./opened.svelte"
import { bestCode, senderName } from "./people"
import { search } from "./search.svelte"
import { selectAll } from "./selected.svelte"

export interface Command {
  readonly name: string
  readonly icon: IconName
  readonly run: () => unknown
  readonly key?: string
}

// A dialog that opens another one must have closed first.
const opens = (name: DialogName) => () => setTimeout(() => dialog.open(name))

const focusSearch = (): void => {
  setTimeout(() => document.querySelector<HTMLInputElement>("[type=search]")?.focus())
}

export function commands(): readonly Command[] {
  return [...ofMessage(), ...ofMailbox(), ...ofPage(), ...mailboxes(), ...messages()]
}

function ofMessage(): Command[] {
  const { whole } = opened
  if (!whole || whole.id !== opened.id) return []
  const code = bestCode(whole.codes)
  const [before, after] = [neighbour(-1), neighbour(1)]
  return [
    ...(code
      ? [{ name: `${t("copy_code")} ${code.value}`, icon: "copy", key: "Y", run: () => copyCode(code.value) } as const]
      : []),
    ...(after ? [{ name: t("next"), icon: "down", key: "J", run: () => open(after.id) } as const] : []),
    ...(before ? [{ name: t("previous"), icon: "up", key: "K", run: () => open(before.id) } as const] : []),
    { name: t("delete_message"), icon: "bin", key: "Del", run: removeOpened },
  ]
}

function ofMailbox(): Command[] {
  const box = boxes.current
  const some: Command[] = [
    { name: t("new_mailbox"), icon: "plus", key: "N", run: () => make() },
    { name: t("new_named"), icon: "pen", run: opens("name") },
  ]
  if (!box || box.isOver) return some
  return [
    { name: t("key_c"), icon: "copy", key: "C", run: () => copy(box.address, t("copied")) },
    ...some,
    { name: t("qr"), icon: "qr", key: "Q", run: opens("qr") },
    { name: t("tried"), icon: "search", run: opens("attempts") },
    { name: t("extend"), icon: "plus", run: () => extend(box) },
    { name: t("end_mailbox"), icon: "close", run: opens("end") },
    ...(box.visible.length
      ? ([
          { name: t("search"), icon: "search", key: "/", run: focusSearch },
          { name: t("mark_all"), icon: "read", run: () => markAll(box) },
          { name: t("select_all"), icon: "check", run: selectAll },
          { name: t("delete_all"), icon: "bin", run: () => removeAll(box) },
        ] as const)
      : []),
  ]
}

function ofPage(): Command[] {
  return [
    {
      name: alerts.notify ? t("notify_off") : t("notify_on"),
      icon: "mail",
      run: () => setAlert("notify", !alerts.notify),
    },
    { name: alerts.sound ? t("sound_off") : t("sound_on"), icon: "mail", run: () => setAlert("sound", !alerts.sound) },
    ...THEMES.map((theme): Command => ({
      name: `${t("theme")}: ${t(`theme_${theme}`)}`,
      icon: "sun",
      run: () => paint(theme),
    })),
    ...Object.entries(LANGUAGES).map(([language, name]): Command => ({
      name: `${t("language")}: ${name}`,
      icon: "pen",
      run: () => speak(language as Language),
    })),
    { name: t("settings"), icon: "gear", run: opens("settings") },
    { name: t("keys"), icon: "gear", key: "?", run: opens("keys") },
  ]
}

const mailboxes = (): Command[] =>
  boxes.all
    .filter((box) => box !== boxes.current)
    .map((box) => ({ name: t("go_to", { address: box.address }), icon: "mail", run: () => choose(box) }))

const messages = (): Command[] =>
  search.shown.map((message) => ({
    name: [message.subject || t("no_subject"), senderName(message)].filter(Boolean).join(" – "),
    icon: "mail",
    run: () => open(message.id),
  }))

/** True when the name has each of the words that are typed. */
export function matches(name: string, typed: string): boolean {
  const folded = name.toLocaleLowerCase()
  return typed
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => folded.includes(word))
}

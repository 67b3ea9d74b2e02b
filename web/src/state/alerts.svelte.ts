// How the page tells of new mail beside the list: by a notification or a sound, each only when it is asked for.

import type { Listed } from "../api/types"
import { load, save } from "../store"
import { tLater as t } from "../words/words.svelte"
import type { Box } from "./box.svelte"
import { choose } from "./actions.svelte"
import { say } from "./notices.svelte"
import { open } from "./opened.svelte"
import { bestCode, senderName } from "./people"

const KEY = "alerts"
const PAUSE_MS = 1_500

type Kind = "notify" | "sound"

let chosen = $state.raw<readonly string[]>((load(KEY) ?? "").split(" "))
let audio: AudioContext | undefined
let rangAt = 0

const mayNotify = (): boolean => "Notification" in globalThis && Notification.permission === "granted"

export const alerts = {
  get notify(): boolean {
    return chosen.includes("notify") && mayNotify()
  },
  get sound(): boolean {
    return chosen.includes("sound")
  },
}

/** Turn a kind of alert on or off; the browser asks for the permission to notify. */
export async function setAlert(kind: Kind, isOn: boolean): Promise<void> {
  if (isOn && kind === "notify" && !mayNotify()) {
    const answer = "Notification" in globalThis ? await Notification.requestPermission() : "denied"
    if (answer !== "granted") say(t("notify_denied"), { wrong: true })
  }
  const others = chosen.filter((each) => each && each !== kind)
  chosen = isOn && (kind === "sound" || mayNotify()) ? [...others, kind] : others
  save(KEY, chosen.join(" "))
  if (isOn && kind === "sound") ring()
}

/** Tell of a message that has just arrived, and return the words for a screen reader. */
export function alertOf(box: Box, message: Listed): string {
  if (message.seen) return ""
  if (alerts.sound) ring()
  if (alerts.notify && !document.hasFocus()) show(box, message)
  return [t("news", { sender: senderName(message), subject: message.subject || t("no_subject") }), codeOf(message)]
    .filter(Boolean)
    .join(". ")
}

function codeOf({ codes }: Listed): string {
  const code = bestCode(codes)
  return code ? `${t("code")}: ${code.value}` : ""
}

function show(box: Box, message: Listed): void {
  const body = [senderName(message), codeOf(message)].filter(Boolean).join("\n")
  try {
    const notification = new Notification(message.subject || t("no_subject"), {
      body,
      tag: message.id,
      icon: "/icon.svg",
    })
    notification.onclick = () => {
      focus()
      choose(box)
      void open(message.id)
      notification.close()
    }
  } catch {
    // Android has no notifications from a page itself.
  }
}

/** Two soft notes; not again within a burst of mail. */
function ring(): void {
  if (Date.now() - rangAt < PAUSE_MS) return
  rangAt = Date.now()
  audio ??= new AudioContext()
  void audio.resume()
  for (const [frequency, after] of [
    [660, 0],
    [880, 0.12],
  ] as const) {
    const start = audio.currentTime + after
    const note = audio.createOscillator()
    const volume = audio.createGain()
    note.frequency.value = frequency
    volume.gain.setValueAtTime(0.0001, start)
    volume.gain.exponentialRampToValueAtTime(0.12, start + 0.015)
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.35)
    note.connect(volume).connect(audio.destination)
    note.start(start)
    note.stop(start + 0.4)
  }
}

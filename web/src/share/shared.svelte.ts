// The mail that a ticket opens, as its stream tells of it.

import { eventParser, type RawEvent } from "../../../clients/typescript/src/events"
import type { Listed, Whole } from "../api/types"

const API = import.meta.env["VITE_API_URL"] as string
const TICKET = /^[\w-]{20,100}$/
// The API sends a comment every 15 seconds.
const SILENCE_MS = 40_000
const MOST = 5_000

export type State = "wrong" | "connecting" | "live" | "away" | "limited" | "over"

/** A message in the list; its text is read when it is opened. */
export type Shared = Omit<Listed, "body_text"> & { temp_email_addr: string; preview: string }

export class SharedMail {
  state = $state<State>("connecting")
  /** The newest first, at most `MOST`. */
  messages = $state.raw<Shared[]>([])
  /** The message whose sender was checked last. */
  checked = $state("")
  readonly most = MOST
  readonly #ticket: string

  constructor(ticket: string) {
    this.#ticket = ticket
    if (!TICKET.test(ticket)) this.state = "wrong"
  }

  /** Read the stream until its ticket ends or `stop` says so. Each new connection lists the mail anew. */
  async follow(stop: AbortSignal): Promise<void> {
    for (let failures = 0; this.state !== "wrong" && this.state !== "over" && !stop.aborted; failures++) {
      const silent = new AbortController()
      // A connection that a lost network leaves behind says nothing.
      addEventListener("offline", () => silent.abort(), { signal: silent.signal })
      let wait = Math.min(500 * 2 ** failures, 8_000)
      try {
        const signal = AbortSignal.any([stop, silent.signal])
        const response = await fetch(this.#url("inbox/stream"), { signal, cache: "no-store" })
        if (response.status === 404) {
          this.state = "over"
          return
        }
        if (!response.ok) {
          wait = Number(response.headers.get("Retry-After")) * 1000 || wait
          this.state = response.status === 429 ? "limited" : "away"
        } else {
          failures = 0
          await this.#read(response, silent)
          this.state = this.#isOver() ? "over" : "connecting"
        }
      } catch {
        if (stop.aborted) return
        this.state = "away"
      } finally {
        silent.abort()
      }
      if (!this.#isOver()) await pause(wait + Math.random() * 300, stop)
    }
  }

  #isOver(): boolean {
    return this.state === "over"
  }

  async #read(response: Response, silent: AbortController): Promise<void> {
    const parse = eventParser()
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    const found = new Map<string, Shared>()
    this.state = "live"
    for (let isFirst = true; ; isFirst = false) {
      const timer = setTimeout(() => silent.abort(), SILENCE_MS)
      const { done, value } = await reader.read().finally(() => clearTimeout(timer))
      if (done) return
      const events = parse(value)
      for (const event of events) this.#take(event, found)
      if (!events.length && !isFirst) continue
      const newest = [...found.values()]
        .sort((one, other) => (one.received_at < other.received_at ? 1 : -1))
        .slice(0, MOST)
      const oldest = newest.length === MOST ? newest.at(-1)!.received_at : ""
      for (const each of [...found.values()]) if (each.received_at < oldest) found.delete(each.id)
      this.messages = newest
    }
  }

  #take({ type, data }: RawEvent, found: Map<string, Shared>): void {
    const { body_text: text, ...fields } = JSON.parse(data) as Listed & { temp_email_addr: string }
    if (type === "message") found.set(fields.id, { ...fields, preview: text.replace(/\s+/g, " ").slice(0, 160) })
    if (type === "checked") this.checked = fields.id
    if (type === "deleted") found.delete(fields.id)
    if (type === "gone") {
      for (const each of [...found.values()]) if (each.temp_email_addr === fields.temp_email_addr) found.delete(each.id)
    }
    if (type === "expired") this.state = "over"
  }

  /** The whole message; throws when it is gone, or when the API is away. */
  async message(id: string): Promise<Whole> {
    const response = await fetch(this.#url(`messages/${id}`), { cache: "no-store" })
    if (!response.ok) throw new Error(response.statusText)
    return (await response.json()) as Whole
  }

  html = (id: string): string => `${this.#url(`messages/${id}/html`)}&embed=1`
  attachment = (id: string, number: number): string => this.#url(`messages/${id}/attachments/${number}`)

  #url(path: string): string {
    return `${API}/api/${path}?ticket=${this.#ticket}`
  }
}

/** Ends early when the network comes back. */
function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      removeEventListener("online", wake)
      stop.removeEventListener("abort", wake)
      resolve()
    }
    const timer = setTimeout(wake, milliseconds)
    addEventListener("online", wake)
    stop.addEventListener("abort", wake)
  })
}

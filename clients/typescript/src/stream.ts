/** A stream of some mailboxes that goes on by itself: after a restart, a lost network, and the end of a ticket. */
import { type Caller, retryDelay } from "./caller.ts"
import { Problem } from "./errors.ts"
import { eventParser, type RawEvent } from "./events.ts"
import type { Mailbox } from "./search.ts"
import type { ListedMessage, MailboxInfo, Ticket } from "./types.ts"

// The API sends a comment every 15 seconds.
const SILENCE_MILLISECONDS = 40_000
const IDLE_MILLISECONDS = 1000
const HEAD_SECONDS = 30

/** `offline`: an attempt to connect has failed, and the next ones follow. */
export type StreamState = "connecting" | "catching up" | "open" | "offline" | "closed"

/** An event of the mailbox `address`. */
export type StreamEvent = { address: string } & (
  | { type: "message"; message: ListedMessage }
  | { type: "seen"; id: string; seq: number; seen: boolean }
  /** The check of a message's sender has ended: its `authentication` is no longer pending. */
  | { type: "checked"; id: string; seq: number; status: "checked" | "not_checked" }
  | { type: "deleted"; id: string; seq: number }
  /** Something happened while the stream was away that it cannot repeat, as a deletion: list the messages anew. */
  | { type: "changed"; mailbox: MailboxInfo }
  /** The mailbox has expired or was deleted. */
  | { type: "gone" }
)

export interface StreamOptions {
  /** The `position` of an earlier stream, or `now`; without it, the stream begins with the messages that are there. */
  since?: string
  signal?: AbortSignal
  /** Is told each new state. */
  onState?: (state: StreamState) => void
  /** Is told why each attempt failed, and the milliseconds until about the next one. */
  onFailure?: (failure: unknown, delay: number) => void
}

interface Known {
  mailbox: Mailbox
  /** The seq of the last message that was read. */
  seq?: number
  /** The seq of the newest message, and the number of changes, when the stream connected. */
  end?: number
  changes?: number
}

/** Ends with the last of its mailboxes, with `close`, or with the loop that reads it. */
export class Stream implements AsyncIterable<StreamEvent> {
  state: StreamState = "connecting"
  /** The place where another stream goes on: the id of the last message, and `since` before the first. */
  position: string | undefined

  readonly #caller: Caller
  readonly #options: StreamOptions
  readonly #known: Map<string, Known>
  /** Without a ticket the stream reads one mailbox, with its token. */
  readonly #usesTicket: boolean
  #ticket: string | undefined
  #lastEventId: string | undefined
  #mayBeGone = false
  #connection = new AbortController()
  #wake: () => void = () => {}

  constructor(caller: Caller, mailboxes: Iterable<Mailbox>, options: StreamOptions = {}, usesTicket = true) {
    this.#caller = caller
    this.#options = options
    this.#known = new Map(Array.from(mailboxes, (mailbox) => [mailbox.address, { mailbox }]))
    this.#usesTicket = usesTicket
    this.position = options.since
    options.signal?.addEventListener("abort", () => this.close(), { once: true })
    if (options.signal?.aborted) this.close()
  }

  close(): void {
    this.#set("closed")
    this.#connection.abort()
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void> {
    const online = () => this.#wake()
    const offline = () => this.#connection.abort()
    // Of a browser's window.
    globalThis.addEventListener?.("online", online)
    globalThis.addEventListener?.("offline", offline)
    try {
      let failures = 0
      while (this.#known.size && !this.#isClosed()) {
        this.#connection = new AbortController()
        let failure: unknown
        try {
          if (this.#mayBeGone) yield* await this.#dropGone()
          if (!this.#known.size) return
          const response = await this.#connect()
          this.#set("catching up")
          yield* await this.#compare()
          if (!this.#known.size) return
          failures = 0
          yield* this.#read(response)
        } catch (error) {
          failure = error
          failures++
        } finally {
          this.#connection.abort()
        }
        if (this.#isClosed() || !this.#known.size) return
        const delay = failure ? retryDelay(failure, failures) : 0
        if (isNotFound(failure)) {
          // The ticket has expired, or a mailbox is over.
          this.#ticket = undefined
          this.#mayBeGone = true
        } else if (delay === undefined) throw failure
        if (delay) this.#options.onFailure?.(failure, delay)
        this.#set((delay && failures) || globalThis.navigator?.onLine === false ? "offline" : "connecting")
        await this.#pause(delay)
      }
    } finally {
      globalThis.removeEventListener?.("online", online)
      globalThis.removeEventListener?.("offline", offline)
      this.close()
    }
  }

  #isClosed(): boolean {
    return this.state === "closed"
  }

  #set(state: StreamState): void {
    if (state === this.state || this.#isClosed()) return
    this.state = state
    this.#options.onState?.(state)
  }

  /** Pauses are of different lengths, so that the streams of a service that restarts do not all come at once. */
  async #pause(milliseconds = 0): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds + Math.random() * 500)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #connect(): Promise<Response> {
    const signal = this.#connection.signal
    if (this.#usesTicket && !this.#ticket) {
      const mailboxes = Array.from(this.#known.values(), ({ mailbox: { address, token } }) => ({ address, token }))
      const response = await this.#caller.once("POST", "tickets", { body: { mailboxes }, signal, within: HEAD_SECONDS })
      this.#ticket = ((await response.json()) as Ticket).ticket
    }
    const [mailbox] = Array.from(this.#known.values(), (each) => each.mailbox)
    // The body has no end, so that only its head must come in time.
    const late = setTimeout(() => this.#connection.abort(), HEAD_SECONDS * 1000)
    try {
      return await this.#caller.once("GET", "inbox/stream", {
        query: {
          ...(this.#ticket ? { ticket: this.#ticket } : { address: mailbox?.address }),
          since: this.#options.since,
        },
        token: this.#ticket ? undefined : mailbox?.token,
        headers: this.#lastEventId ? { "Last-Event-ID": this.#lastEventId } : {},
        signal,
      })
    } finally {
      clearTimeout(late)
    }
  }

  async #describe({ address, token }: Mailbox): Promise<MailboxInfo | undefined> {
    const request = { query: { address }, token, signal: this.#connection.signal, within: HEAD_SECONDS }
    try {
      return (await (await this.#caller.once("GET", "inbox", request)).json()) as MailboxInfo
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  /** The mailboxes that changed while the stream was away, in a way that it cannot repeat. */
  async #compare(): Promise<StreamEvent[]> {
    const events = Array.from(this.#known, async ([key, known]): Promise<StreamEvent[]> => {
      const { address } = known.mailbox
      const mailbox = await this.#describe(known.mailbox)
      // A stream leaves out the mailboxes that were over before it began.
      if (!mailbox) return this.#known.delete(key) ? [{ type: "gone", address }] : []
      const { changes, last_seq, temp_email_addr } = mailbox
      // Events name it so, in whatever spelling it was opened.
      this.#known.delete(key)
      this.#known.set(temp_email_addr, known)
      // A stream from `now` on has no place to resume at before its first message.
      const isFromNow = this.#options.since === "now" && !this.#lastEventId
      const isMissed = known.changes !== changes || (isFromNow && known.seq !== last_seq)
      const wasKnown = known.changes !== undefined
      known.changes = changes
      known.end = last_seq
      if (isFromNow) known.seq = last_seq
      return wasKnown && isMissed ? [{ type: "changed", address, mailbox }] : []
    })
    return (await Promise.all(events)).flat()
  }

  async #dropGone(): Promise<StreamEvent[]> {
    const events: StreamEvent[] = []
    for (const [key, { mailbox }] of this.#known) {
      if (await this.#describe(mailbox)) continue
      this.#known.delete(key)
      events.push({ type: "gone", address: mailbox.address })
    }
    this.#mayBeGone = false
    return events
  }

  async *#read(response: Response): AsyncGenerator<StreamEvent, void> {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const decoder = new TextDecoder()
    const parse = eventParser()
    for (;;) {
      if (Array.from(this.#known.values()).every(({ seq = 0, end = 0 }) => seq >= end)) this.#set("open")
      // Deleted messages are not in the stream, so that the newest one may never come.
      const idle = setTimeout(() => this.#set("open"), IDLE_MILLISECONDS)
      const silent = setTimeout(() => this.#connection.abort(), SILENCE_MILLISECONDS)
      const { done, value } = await reader.read().finally(() => {
        clearTimeout(idle)
        clearTimeout(silent)
      })
      if (done) return
      for (const raw of parse(decoder.decode(value, { stream: true }))) {
        if (raw.type === "expired") {
          this.#ticket = undefined
          return
        }
        const event = this.#event(raw)
        if (event) yield event
      }
    }
  }

  #event({ type, data, id }: RawEvent): StreamEvent | undefined {
    const { temp_email_addr, ...fields } = JSON.parse(data)
    const key: string = temp_email_addr ?? this.#known.keys().next().value
    const known = this.#known.get(key)
    if (id) this.position = this.#lastEventId = id
    if (!known) return undefined
    const { address } = known.mailbox
    if (type === "message") {
      known.seq = fields.seq
      return { type, address, message: fields }
    }
    if (type === "gone") {
      this.#known.delete(key)
      return { type, address }
    }
    if (type === "seen" || type === "deleted") known.changes = (known.changes ?? 0) + 1
    else if (type !== "checked") return undefined // of a newer API
    return { ...fields, type, address }
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Problem && error.code === "mailbox_not_found"
}

/** One mailbox: waiting for mail, reading it, and cleaning up. */
import type { Caller, Request } from "./caller.ts"
import { NoMail, Problem, RETURNED, Unexpected } from "./errors.ts"
import { search } from "./search.ts"
import { Stream, type StreamOptions } from "./stream.ts"
import type {
  CallOptions,
  LinkKind,
  ListedMessage,
  ListOptions,
  MailboxInfo,
  Message,
  MessageList,
  Ticket,
  Timeline,
  WaitOptions,
} from "./types.ts"

// The link that a test most probably wants, first.
const LINK_KINDS: LinkKind[] = ["verify", "reset", "login", "other", "unsubscribe"]
// A ticket lives for an hour.
const TICKET_MILLISECONDS = 1_800_000

/** `await using` deletes the mailbox at the end of the block. */
export class Mailbox {
  readonly address: string
  /** The token of a private mailbox, which is shown once. */
  readonly token: string | undefined
  readonly #caller: Caller
  /** The seqs that `wait` has returned: all up to the floor, and these. */
  #floor = 0
  readonly #returned = new Set<number>()
  #ticket: { value: Promise<string>; renewAt: number } | undefined

  constructor(caller: Caller, address: string, token?: string) {
    this.#caller = caller
    this.address = address
    this.token = token
  }

  /**
   * The oldest message that meets all clauses and that no call of this object has returned. Mail that is there already
   * counts. Throws NoMail after `timeout` seconds.
   */
  wait(options: WaitOptions = {}): Promise<Message> {
    return this.#wait(options, () => undefined)
  }

  /** The most probable code of the next message that has one. */
  async code(options: Omit<WaitOptions, "has"> = {}): Promise<string> {
    return (await this.wait({ ...options, has: "code" })).codes[0]!.value
  }

  /** The URL of the next message that has a link of this kind; without a kind, of its best link. */
  async link(kind?: LinkKind, options: Omit<WaitOptions, "has"> = {}): Promise<string> {
    const kinds = kind ? [kind] : LINK_KINDS
    const find = ({ links }: Message) =>
      kinds.flatMap((wanted) => links.filter((link) => link.kind === wanted).map((link) => link.url))[0]
    const message = await this.#wait(
      { ...options, has: "link" },
      (each) => (find(each) === undefined ? `link=${kind}` : undefined),
      kind,
    )
    return find(message)!
  }

  /** Wait for `within` seconds, 5 by default; throws Unexpected when such a message comes, or is there already. */
  async expectNone({ within = 5, ...options }: Omit<WaitOptions, "timeout"> & { within?: number } = {}): Promise<void> {
    try {
      const { signal: _, ...clauses } = options
      throw new Unexpected(this.address, clauses, await this.wait({ ...options, timeout: within }))
    } catch (error) {
      if (!(error instanceof NoMail)) throw error
      // The API could not be asked at the end.
      if (error.cause) throw error.cause
    }
  }

  /** Each message that is there, then each new one as it arrives, until the mailbox is over or the loop ends. */
  async *messages(options: StreamOptions = {}): AsyncGenerator<ListedMessage, void> {
    for await (const event of new Stream(this.#caller, [this], options, false)) {
      if (event.type === "message") yield event.message
    }
  }

  /** A page of the messages, the newest first; `cursor` is the `next_cursor` of the page before. */
  list({ query, order, limit, cursor, ...options }: ListOptions = {}): Promise<MessageList> {
    return this.#json("GET", "inbox/messages", { ...options, query: this.#about({ query, order, limit, cursor }) })
  }

  /** The mailbox itself: its end, its quota, the number of its messages. */
  info(options?: CallOptions): Promise<MailboxInfo> {
    return this.#json("GET", "inbox", { ...options, query: this.#about() })
  }

  /** Each attempt to deliver to the mailbox, stored or not, with its SMTP reply. */
  timeline(options?: CallOptions): Promise<Timeline> {
    return this.#json("GET", "inbox/timeline", { ...options, query: this.#about() })
  }

  /** Make the mailbox expire in so many seconds from now. */
  extend(ttlSeconds: number, options?: CallOptions): Promise<MailboxInfo> {
    this.#ticket = undefined
    const body = { ttl_seconds: ttlSeconds }
    return this.#json("PATCH", "inbox", { ...options, query: this.#about(), body })
  }

  /** The whole message. */
  read(id: string, options?: CallOptions): Promise<Message> {
    return this.#json("GET", `messages/${id}`, options)
  }

  /** The message as it was received, with its header fields. */
  source(id: string, options?: CallOptions): Promise<Blob> {
    return this.#blob(`messages/${id}/source`, options)
  }

  /** The attachment at this position of `attachments`; 0 is the first. */
  attachment(id: string, position: number, options?: CallOptions): Promise<Blob> {
    return this.#blob(`messages/${id}/attachments/${position}`, options)
  }

  /** A URL for a frame: the HTML of the message as a page that is safe to show. It has a ticket and no token in it. */
  htmlUrl(id: string, parameters: Record<string, string | number | boolean> = {}): Promise<string> {
    return this.#url(`messages/${id}/html`, parameters)
  }

  /** A URL for a link or an image; it has a ticket and no token in it. */
  attachmentUrl(id: string, position: number): Promise<string> {
    return this.#url(`messages/${id}/attachments/${position}`)
  }

  /** Mark the message as seen or unseen. */
  async mark(id: string, seen = true, options?: CallOptions): Promise<void> {
    await this.#json("PATCH", `messages/${id}`, { ...options, body: { seen } })
  }

  /** Mark all messages, or those that `query` finds, and return the number of those that changed. */
  async markAll(seen = true, { query, ...options }: { query?: string } & CallOptions = {}): Promise<number> {
    const request = { ...options, query: this.#about({ query }), body: { seen } }
    return (await this.#json<{ changed: number }>("PATCH", "inbox/messages", request)).changed
  }

  /** Delete a message; one that is gone already is fine. */
  delete(id: string, options?: CallOptions): Promise<void> {
    return this.#delete(`messages/${id}`, "message_not_found", options)
  }

  /**
   * Delete all messages, or those that `query` finds, and return their number; the mailbox stays. When a response was
   * lost, the number is of those that the next attempt found.
   */
  async clear({ query, ...options }: { query?: string } & CallOptions = {}): Promise<number> {
    const request = { ...options, query: this.#about({ query }) }
    return (await this.#json<{ deleted: number }>("DELETE", "inbox/messages", request)).deleted
  }

  /** Delete the mailbox; one that is over already is fine. */
  close(options?: CallOptions): Promise<void> {
    return this.#delete("inbox", "mailbox_not_found", { ...options, query: this.#about() })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #wait(options: WaitOptions, refuse: (message: Message) => string | undefined, kind?: LinkKind): Promise<Message> {
    return search(
      this.#caller,
      this,
      this.#floor,
      options,
      (each) => refuse(each) ?? (this.#take(each.seq) ? undefined : RETURNED),
      kind,
    )
  }

  /** True for the first call with this seq. */
  #take(seq: number): boolean {
    if (seq <= this.#floor || this.#returned.has(seq)) return false
    this.#returned.add(seq)
    while (this.#returned.delete(this.#floor + 1)) this.#floor++
    return true
  }

  #about(more: Record<string, unknown> = {}): Record<string, unknown> {
    return { address: this.address, ...more }
  }

  #json<T>(method: string, path: string, request?: Request): Promise<T> {
    return this.#caller.json(method, path, { ...request, token: this.token })
  }

  async #delete(path: string, code: string, request?: Request): Promise<void> {
    try {
      await this.#caller.call("DELETE", path, { ...request, token: this.token }, async () => {})
    } catch (error) {
      // The response to an earlier attempt may be lost.
      if (!(error instanceof Problem && error.code === code)) throw error
    }
  }

  #blob(path: string, options?: CallOptions): Promise<Blob> {
    return this.#caller.call("GET", path, { ...options, token: this.token, within: 300 }, (each) => each.blob())
  }

  async #url(path: string, parameters: Record<string, unknown> = {}): Promise<string> {
    if (!this.#ticket || performance.now() > this.#ticket.renewAt) {
      const body = { mailboxes: [{ address: this.address, token: this.token }] }
      const value = this.#caller.json<Ticket>("POST", "tickets", { body }).then(({ ticket }) => ticket)
      this.#ticket = { value, renewAt: performance.now() + TICKET_MILLISECONDS }
      value.catch(() => (this.#ticket = undefined))
    }
    return this.#caller.link(path, { ...parameters, ticket: await this.#ticket.value })
  }
}

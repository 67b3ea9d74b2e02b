// One mailbox: what this browser keeps of it, and what the API has said of it.

import type { Inbox, Listed, Page, Summary } from "../api/types"

export interface Kept {
  readonly address: string
  readonly token?: string
  readonly expiresAt: number
  /** The senders whose mail may load images from other hosts. */
  readonly trusted?: readonly string[]
}

const PREVIEW_CHARACTERS = 200
const MAX_TRUSTED = 50

export class Box {
  readonly address: string
  readonly token: string | undefined
  expiresAt = $state(0)
  isOver = $state(false)
  /** True once the newest messages are listed. */
  isListed = $state(false)
  /** The newest first. */
  messages = $state.raw<readonly Summary[]>([])
  /** Where older messages go on; null at the oldest. */
  cursor = $state<string | null>(null)
  /** The messages that are deleted as soon as they can no longer be restored. */
  hidden = $state.raw<ReadonlySet<string>>(new Set())
  /** The messages that were deleted while the page was open, here or elsewhere. */
  gone = $state.raw<ReadonlySet<string>>(new Set())
  trusted = $state.raw<readonly string[]>([])
  /** The messages that arrived while the page was open. */
  arrived = new Set<string>()
  #unseen = $state(0)

  visible = $derived(this.shown(this.messages))
  unread = $derived(
    this.isListed && this.cursor === null ? this.visible.filter(({ seen }) => !seen).length : this.#unseen,
  )

  constructor({ address, token, expiresAt, trusted = [] }: Kept) {
    this.address = address
    this.token = token
    this.expiresAt = expiresAt
    this.trusted = trusted
  }

  get name(): string {
    return this.address.slice(0, this.address.lastIndexOf("@"))
  }

  get domain(): string {
    return this.address.slice(this.address.lastIndexOf("@"))
  }

  kept(): Kept {
    const { address, token, expiresAt, trusted } = this
    return { address, ...(token && { token }), expiresAt, ...(trusted.length && { trusted }) }
  }

  counted(inbox: Inbox): void {
    this.expiresAt = Date.parse(inbox.expires_at)
    this.#unseen = inbox.unseen_count
  }

  /** Take in the newest messages. Of those that were known before the call, the ones that they miss were deleted. */
  listed({ messages, next_cursor }: Page, known: readonly Summary[], { last_seq, message_count }: Inbox): void {
    const oldest = next_cursor === null ? 0 : (messages.at(-1)?.seq ?? 0)
    const ids = new Set(messages.map(({ id }) => id))
    this.removed(...known.filter(({ id, seq }) => seq >= oldest && !ids.has(id)).map(({ id }) => id))
    const others = this.messages.filter(({ id }) => !ids.has(id))
    const newer = others.filter(({ seq }) => seq >= oldest)
    let older = others.filter(({ seq }) => seq < oldest)
    // Some of these were deleted too, where more of them are known than exist: they are listed anew.
    if (messages.length + older.length > message_count && (messages[0]?.seq ?? 0) <= last_seq) older = []
    if (!older.length) this.cursor = next_cursor
    this.messages = [...newer, ...messages.filter(({ id }) => !this.gone.has(id)), ...older]
    this.isListed = true
  }

  listedOlder({ messages, next_cursor }: Page): void {
    const known = new Set(this.messages.map(({ id }) => id))
    this.messages = [...this.messages, ...messages.filter(({ id }) => !known.has(id))]
    this.cursor = next_cursor
  }

  /** Take in a message of the stream; true when it is a new one. */
  received(message: Listed): boolean {
    if (this.messages.some(({ id }) => id === message.id)) return false
    const { body_text, truncated: _truncated, reverse_path: _path, ...rest } = message
    const preview = body_text
      .slice(0, 4 * PREVIEW_CHARACTERS)
      .replace(/\s+/g, " ")
      .trim()
      .slice(0, PREVIEW_CHARACTERS)
    this.arrived.add(message.id)
    this.messages = [{ ...rest, preview }, ...this.messages]
    if (!message.seen) this.#unseen += 1
    return true
  }

  marked(id: string, seen: boolean): void {
    this.messages = this.messages.map((each) => (each.id === id ? { ...each, seen } : each))
  }

  removed(...ids: readonly string[]): void {
    this.gone = new Set([...this.gone, ...ids])
    this.messages = this.messages.filter(({ id }) => !this.gone.has(id))
    this.restored(ids)
  }

  /** Those of the messages that are neither deleted nor about to be. */
  shown(messages: readonly Summary[]): readonly Summary[] {
    return messages.filter(({ id }) => !this.hidden.has(id) && !this.gone.has(id))
  }

  hide(ids: readonly string[]): void {
    this.hidden = new Set([...this.hidden, ...ids])
  }

  restored(ids: readonly string[]): void {
    this.hidden = new Set([...this.hidden].filter((each) => !ids.includes(each)))
  }

  /** Let mail from this sender load images from other hosts, or no longer. */
  trust(sender: string, isOn: boolean): void {
    const name = sender.toLowerCase()
    const others = this.trusted.filter((each) => each !== name)
    this.trusted = isOn ? [...others, name].slice(-MAX_TRUSTED) : others
  }

  trusts(sender: string): boolean {
    return this.trusted.includes(sender.toLowerCase())
  }
}

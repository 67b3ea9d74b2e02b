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
  trusted = $state.raw<readonly string[]>([])
  /** The messages that arrived while the page was open. */
  arrived = new Set<string>()
  #unseen = $state(0)

  visible = $derived(this.messages.filter(({ id }) => !this.hidden.has(id)))
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

  /** Take in the newest messages; those that should be among them and are not were deleted. */
  listed({ messages, next_cursor }: Page): void {
    const oldest = next_cursor === null ? 0 : (messages.at(-1)?.seq ?? 0)
    const older = this.messages.filter(({ seq }) => seq < oldest)
    if (!older.length) this.cursor = next_cursor
    this.messages = [...messages, ...older]
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

  removed(id: string): void {
    this.messages = this.messages.filter((each) => each.id !== id)
    this.restored([id])
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

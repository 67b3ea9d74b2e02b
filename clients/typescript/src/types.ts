/** The names of the API's types; `api.ts` is generated from its OpenAPI document. */
import type { components } from "./api.ts"

type Schemas = components["schemas"]

/** A whole message, as `wait` returns it. */
export type Message = Schemas["WholeMessage"]
/** The check of a message's sender; a message of an API older than the check has none. */
export type Authentication = Schemas["Authentication"]
/** A message of a stream, whose text ends after 64 KiB. */
export type ListedMessage = Schemas["ListedMessage"]
/** A message of a list: a preview, and no text. */
export type SummarizedMessage = Schemas["SummarizedMessage"]
export type MessageList = Schemas["MessageList"]
/** A new mailbox, with the token of a private one. */
export type NewAddress = Schemas["TemporaryAddress"]
export type MailboxInfo = Schemas["Inbox"]
export type DomainList = Schemas["DomainList"]
export type Ticket = Schemas["Ticket"]
/** A message that did not match, and the clauses that it failed. */
export type NearMiss = Schemas["NearMiss"]
/** An attempt to deliver that was refused, deferred or cut, with the SMTP reply; null: the sender left before one. */
export type RefusedAttempt = Schemas["RefusedAttempt"]
/** Every attempt to deliver to the mailbox, stored or not. */
export type Timeline = Schemas["MailboxTimeline"]
export type LinkKind = Schemas["Link"]["kind"]

export interface NewMailbox {
  /** The address begins with this name; with `exact`, the address is this name. */
  username?: string
  /** One of `mail.domains()`. */
  domain?: string
  /** The mailbox can be read with its token only. */
  private?: boolean
  exact?: boolean
  ttlSeconds?: number
  /** False: the senders of its messages are not checked. */
  authentication?: boolean
}

/**
 * The conditions that a message must meet. A text is found in upper or lower case; a RegExp is searched with RE2, with its
 * flag `i` alone.
 */
export interface Clauses {
  from?: string | RegExp
  subject?: string | RegExp
  text?: string | RegExp
  has?: Has | Has[]
  /** A search, as `from:example.com has:code -subject:welcome`. */
  query?: string
}

export type Has = "code" | "link" | "attachment"

export interface CallOptions {
  signal?: AbortSignal
  /** The call goes on when the browser page is closed. */
  keepalive?: boolean
}

export interface WaitOptions extends Clauses, Pick<CallOptions, "signal"> {
  /** Seconds, 1 at least; 25 by default. */
  timeout?: number
}

export interface ListOptions extends CallOptions {
  query?: string
  order?: "newest" | "oldest"
  limit?: number
  /** The `next_cursor` of the page before. */
  cursor?: string
}

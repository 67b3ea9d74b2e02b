// The shapes of the API, from the types of the TypeScript client.

import type { ListedMessage, Message, SummarizedMessage, Timeline } from "../../../clients/typescript/src/calls"

export type {
  DomainList as Domains,
  MailboxInfo as Inbox,
  MessageList as Page,
  NewAddress,
  Ticket,
  Timeline,
} from "../../../clients/typescript/src/calls"

export type Code = SummarizedMessage["codes"][number]
export type Link = SummarizedMessage["links"][number]
export type Attempt = Timeline["attempts"][number]
export type Listed = ListedMessage
export type Summary = SummarizedMessage
export type Whole = Message

/** A mailbox as a call names it: its address, and the token of a private one. */
export interface Key {
  readonly address: string
  readonly token?: string | undefined
}

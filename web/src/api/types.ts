// The shapes of the API, from the types of the TypeScript client.

import type { components } from "../../../clients/typescript/src/api"

type Schemas = components["schemas"]

export type Address = Schemas["TemporaryAddress"]
export type Code = Schemas["Code"]
export type Domains = Schemas["DomainList"]
export type Inbox = Schemas["Inbox"]
export type Link = Schemas["Link"]
export type Listed = Schemas["ListedMessage"]
export type Page = Schemas["MessageList"]
export type Summary = Schemas["SummarizedMessage"]
export type Ticket = Schemas["Ticket"]
export type Whole = Schemas["WholeMessage"]

/** A mailbox as a call names it: its address, and the token of a private one. */
export interface Key {
  readonly address: string
  readonly token?: string | undefined
}

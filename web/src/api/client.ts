// The calls of the API that the page makes, by the core of the TypeScript client. No token is ever in a URL: tickets are.

import { Caller, type Request } from "../../../clients/typescript/src/calls"
import { told } from "../state/api_time.svelte"
import type { Domains, Inbox, Key, NewAddress, Page, Ticket, Timeline, Whole } from "./types"

export const API = import.meta.env.VITE_API_URL as string

// A person decides about another attempt, so each call is made once; the stream has a patience of its own.
export const caller = new Caller(API, {
  patience: 0,
  async fetch(...request) {
    const response = await fetch(...request)
    told(response.headers.get("Date"))
    return response
  },
})
const SECONDS = 20

const json = <T>(method: string, path: string, request?: Request): Promise<T> =>
  caller.json<T>(method, path, { within: SECONDS, ...request })

const send = (method: string, path: string, request?: Request): Promise<Response> =>
  caller.once(method, path, { within: SECONDS, ...request })

const of = ({ address, token }: Key, more: Record<string, unknown> = {}): Request => ({
  token,
  query: { address, ...more },
})

export interface Wish {
  username?: string
  domain?: string
  exact?: boolean
}

export const create = (wish: Wish) =>
  json<NewAddress>("POST", "temporary-address", { body: { private: true, ...wish } })

export const domains = () => json<Domains>("GET", "domains")

export const inbox = (key: Key) => json<Inbox>("GET", "inbox", of(key))

export const timeline = (key: Key) => json<Timeline>("GET", "inbox/timeline", of(key))

export const extend = (key: Key, seconds: number) =>
  json<Inbox>("PATCH", "inbox", { ...of(key), body: { ttl_seconds: seconds } })

export const end = (key: Key) => send("DELETE", "inbox", of(key))

export const list = (key: Key, query: string, cursor: string | null, signal?: AbortSignal): Promise<Page> =>
  json<Page>("GET", "inbox/messages", {
    ...of(key, { query: query || undefined, cursor: cursor ?? undefined }),
    ...(signal && { signal }),
  })

export const markAll = (key: Key) => send("PATCH", "inbox/messages", { ...of(key), body: { seen: true } })

export const message = ({ token }: Key, id: string) => json<Whole>("GET", `messages/${id}`, { token })

export const mark = ({ token }: Key, id: string, seen: boolean) =>
  send("PATCH", `messages/${id}`, { token, body: { seen } })

/** `keepalive` lets the call outlive the page. */
export const remove = ({ token }: Key, id: string, keepalive: boolean) =>
  send("DELETE", `messages/${id}`, { token, keepalive })

/** Delete all that arrived before this time. */
export const removeBefore = (key: Key, before: string, keepalive: boolean) =>
  send("DELETE", "inbox/messages", { ...of(key, { query: `before:${before}` }), keepalive })

export const source = async ({ token }: Key, id: string): Promise<string> =>
  (await send("GET", `messages/${id}/source`, { token, within: 60 })).text()

export const attachment = async ({ token }: Key, id: string, number: number): Promise<Blob> =>
  (await send("GET", `messages/${id}/attachments/${number}`, { token, within: 300 })).blob()

/** The number of images from other hosts that the HTML leaves out. */
export const blockedImages = async ({ token }: Key, id: string): Promise<number> =>
  Number((await send("HEAD", `messages/${id}/html`, { token })).headers.get("Remote-Images-Blocked"))

export const ticket = ({ address, token }: Key) =>
  json<Ticket>("POST", "tickets", { body: { mailboxes: [{ address, token }] } })

export const htmlUrl = (id: string, opened: string, remote: boolean) =>
  caller.link(`messages/${id}/html`, { embed: 1, ticket: opened, remote: remote ? 1 : undefined })

export const attachmentUrl = (id: string, number: number, opened: string) =>
  caller.link(`messages/${id}/attachments/${number}`, { ticket: opened })

/** For an image of the page: the API shows pictures of pixels in this way, and nothing else. */
export const pictureUrl = (id: string, number: number, opened: string) =>
  caller.link(`messages/${id}/attachments/${number}`, { disposition: "inline", ticket: opened })

export const sourceUrl = (id: string, opened: string) => caller.link(`messages/${id}/source`, { ticket: opened })

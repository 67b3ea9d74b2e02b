// The calls of the API that the page makes. No token is ever in a URL: tickets are.

import { away, problemOf } from "./problem"
import type { Address, Domains, Inbox, Key, Page, Ticket, Whole } from "./types"

interface Call {
  method?: "GET" | "POST" | "PATCH" | "DELETE"
  key?: Key | undefined
  body?: unknown
  keepalive?: boolean
  signal?: AbortSignal
}

export const API = import.meta.env.VITE_API_URL as string

export async function call(path: string, { method = "GET", key, body, keepalive = false, signal }: Call = {}) {
  const headers: Record<string, string> = {}
  if (key?.token) headers["Authorization"] = `Bearer ${key.token}`
  if (body !== undefined) headers["Content-Type"] = "application/json"
  const sent: RequestInit = { method, headers, keepalive, cache: "no-store" }
  if (body !== undefined) sent.body = JSON.stringify(body)
  if (signal) sent.signal = signal
  let response
  try {
    response = await fetch(`${API}${path}`, sent)
  } catch (error) {
    if (signal?.aborted) throw error
    throw away()
  }
  if (!response.ok) throw await problemOf(response)
  return response
}

async function json<T>(path: string, given?: Call): Promise<T> {
  return (await (await call(path, given)).json()) as T
}

const ofMailbox = (key: Key, more: Record<string, string> = {}) =>
  new URLSearchParams({ address: key.address, ...more }).toString()

export interface Wish {
  username?: string
  domain?: string
  exact?: boolean
}

export const create = (wish: Wish) =>
  json<Address>("/api/temporary-address", { method: "POST", body: { private: true, ...wish } })

export const domains = () => json<Domains>("/api/domains")

export const inbox = (key: Key) => json<Inbox>(`/api/inbox?${ofMailbox(key)}`, { key })

export const extend = (key: Key, seconds: number) =>
  json<Inbox>(`/api/inbox?${ofMailbox(key)}`, { key, method: "PATCH", body: { ttl_seconds: seconds } })

export const end = (key: Key) => call(`/api/inbox?${ofMailbox(key)}`, { key, method: "DELETE" })

export function list(key: Key, query: string, cursor: string | null, signal?: AbortSignal): Promise<Page> {
  const more: Record<string, string> = {}
  if (query) more["query"] = query
  if (cursor) more["cursor"] = cursor
  return json<Page>(`/api/inbox/messages?${ofMailbox(key, more)}`, signal ? { key, signal } : { key })
}

export const markAll = (key: Key) =>
  call(`/api/inbox/messages?${ofMailbox(key)}`, { key, method: "PATCH", body: { seen: true } })

export const message = (key: Key, id: string) => json<Whole>(`/api/messages/${id}`, { key })

export const mark = (key: Key, id: string, seen: boolean) =>
  call(`/api/messages/${id}`, { key, method: "PATCH", body: { seen } })

/** `keepalive` lets the call outlive the page. */
export const remove = (key: Key, id: string, keepalive: boolean) =>
  call(`/api/messages/${id}`, { key, method: "DELETE", keepalive })

/** The first bytes of the source as text, which are enough to read. */
export async function source(key: Key, id: string): Promise<string> {
  const most = 262_144
  const text = await (await call(`/api/messages/${id}/source`, { key })).text()
  return text.length > most ? `${text.slice(0, most)}\n…` : text
}

export const ticket = (keys: readonly Key[]) =>
  json<Ticket>("/api/tickets", {
    method: "POST",
    body: { mailboxes: keys.map(({ address, token }) => (token ? { address, token } : { address })) },
  })

export const htmlUrl = (id: string, opened: string, remote: boolean) =>
  `${API}/api/messages/${id}/html?ticket=${opened}${remote ? "&remote=1" : ""}`

export const attachmentUrl = (id: string, number: number, opened: string) =>
  `${API}/api/messages/${id}/attachments/${number}?ticket=${opened}`

export const sourceUrl = (id: string, opened: string) => `${API}/api/messages/${id}/source?ticket=${opened}`

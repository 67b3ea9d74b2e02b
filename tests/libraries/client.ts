// A client of generated types: makes a mailbox, waits for the mail that the test sends, reads and deletes it.
import createClient from "openapi-fetch"
import type { components, paths } from "./api.js"

type Media = "application/json" | "application/problem+json"
type Events = components["schemas"]["StreamEvents"]

declare const process: { argv: [string, string, string] }

const api = createClient<paths, Media>({ baseUrl: process.argv[2] })

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the response has no data")
  return value
}

// No field of the body is required.
const made = required((await api.POST("/api/temporary-address", { body: { username: "ann" } })).data)
const address = made.temp_email_addr
console.log(address)

const query = { address, has: ["code"] as "code"[], timeout: 25 }
const found = required((await api.GET("/api/inbox/wait", { params: { query } })).data)
const code: string = required(found.codes[0]).value

const path = { message_id: found.id }
const read = required((await api.GET("/api/messages/{message_id}", { params: { path } })).data)
const listed = required((await api.GET("/api/inbox/poll", { params: { query: { address } } })).data)
await api.DELETE("/api/messages/{message_id}", { params: { path } })

const nothing = await api.GET("/api/inbox/wait", { params: { query: { address, timeout: 1 } } })
// The code tells which problem it is, so the compiler knows its members.
const misses: number = nothing.error?.code === "no_match" ? nothing.error.near_misses.length : -1
const gone = await api.GET("/api/messages/{message_id}", { params: { path } })
const events: Partial<Events> = { gone: { temp_email_addr: address } }
await api.DELETE("/api/inbox", { params: { query: { address } } })

console.log(JSON.stringify([code, read.subject, listed.new_mail_count, misses, gone.error?.code, Object.keys(events)]))

/** The search behind `wait`: calls of at most 25 seconds, one after the other until the deadline. */
import { type Caller, type Request, retryDelay, sleep } from "./caller.ts"
import { NoMail, Problem } from "./errors.ts"
import type { Clauses, LinkKind, Message, NearMiss, RefusedAttempt, WaitOptions } from "./types.ts"

// Many proxies give up on a response after 30 seconds.
const CALL_SECONDS = 25
const MOST_NEAR_MISSES = 20

export interface Mailbox {
  address: string
  token?: string | undefined
}

/**
 * The first message after `since` that meets all clauses, and that `refuse` has no objection to: it returns the clause
 * that a message fails. Earlier calls have returned all messages up to `since`. Throws NoMail, which names the `kind` of
 * the link.
 */
export async function search(
  caller: Caller,
  { address, token }: Mailbox,
  since: number,
  { timeout = CALL_SECONDS, signal, ...clauses }: WaitOptions,
  refuse: (message: Message) => string | undefined,
  kind?: LinkKind,
): Promise<Message> {
  const returned = since
  const end = performance.now() + timeout * 1000
  const query = { ...parameters(clauses), address }
  const misses = new Map<string, NearMiss>()
  let refused: RefusedAttempt[] = []
  let attempt = 0
  for (;;) {
    // The API waits for a second at least.
    const seconds = Math.max(1, Math.min(CALL_SECONDS, (end - performance.now()) / 1000))
    const request: Request = { query: { ...query, since, timeout: seconds }, token, within: seconds + 10 }
    let failure: unknown
    try {
      const response = await caller.once("GET", "inbox/wait", signal ? { ...request, signal } : request)
      const message = (await response.json()) as Message
      const failed = refuse(message)
      if (!failed) return message
      misses.set(message.id, { ...message, failed: [failed] })
      since = nextSince(response)
      // Messages that are there already are looked at even when the time is over.
      continue
    } catch (error) {
      if (error instanceof Problem && error.code === "no_match") {
        since = nextSince(error)
        for (const each of error.body.near_misses as NearMiss[]) misses.set(each.id, each)
        refused = (error.body.refused ?? []) as RefusedAttempt[]
        attempt = 0
      } else {
        failure = error
      }
    }
    const left = end - performance.now()
    const delay = failure ? retryDelay(failure, attempt++, signal) : 0
    if (delay === undefined) throw signal?.aborted ? signal.reason : failure
    if (left <= delay || left < 1) {
      const nearMisses = [...misses.values()].slice(-MOST_NEAR_MISSES)
      throw new NoMail(address, clauses, timeout, nearMisses, refused, failure, returned, kind)
    }
    if (delay) await sleep(delay, signal)
  }
}

function nextSince(response: { status: number; headers: Headers }): number {
  const value = response.headers.get("Next-Since")
  if (/^\d+$/.test(value!)) return Number(value)
  throw new Problem(response as Response, { detail: "No Next-Since: a proxy removed it." })
}

function parameters(clauses: Clauses): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(clauses).map(([name, value]) => [name, name === "has" || name === "query" ? value : text(value)]),
  )
}

/** The parameter of the API, which takes a text between slashes for a pattern, in upper or lower case. */
function text(value: string | RegExp): string {
  if (value instanceof RegExp) return `/${value.ignoreCase ? "" : "(?-i)"}${value.source}/`
  return /^\/.+\/$/s.test(value) ? `/${value.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}/` : value
}

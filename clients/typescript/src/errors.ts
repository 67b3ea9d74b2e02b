/** The errors of the client: a problem of the API, no mail in time, mail that was not expected. */
import type { Clauses, LinkKind, Message, NearMiss, RefusedAttempt } from "./types.ts"

/** In place of a clause, of a message that meets them all. */
export const RETURNED = "returned before"

/** An error response of the API. `code` never changes; the message is a sentence for people. */
export class Problem extends Error {
  override name = "Problem"
  readonly code: string
  readonly status: number
  /** The parameter, header field or body that was wrong. */
  readonly field: string | undefined
  /** The whole response body, as `near_misses` are in it. */
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Headers
  /** Seconds until another attempt is worth it; 0 when the API names none. */
  readonly retryAfter: number

  constructor(response: Response, body: Record<string, unknown>) {
    // A proxy that cannot reach the API has a page of its own.
    const code = String(body.code ?? (response.status > 500 ? "unavailable" : "unknown"))
    super(`${response.status} ${code}: ${body.detail ?? response.statusText}`)
    this.code = code
    this.status = response.status
    this.field = body.field as string | undefined
    this.body = body
    this.headers = response.headers
    this.retryAfter = Number(response.headers.get("Retry-After")) || 0
  }
}

/** No message matched in time. The message of the error says what was waited for, and what came instead. */
export class NoMail extends Error {
  override name = "NoMail"
  readonly nearMisses: readonly NearMiss[]
  /** The last attempts to deliver to the mailbox that were refused, deferred or cut, or were duplicates. */
  readonly refused: readonly RefusedAttempt[]

  /**
   * `cause` is the failure of the last call, when the API could not be reached at the end. Earlier calls returned
   * `returned` messages.
   */
  constructor(
    address: string,
    clauses: Clauses,
    seconds: number,
    nearMisses: readonly NearMiss[],
    refused: readonly RefusedAttempt[],
    cause?: unknown,
    returned = 0,
    kind?: LinkKind,
  ) {
    const others = nearMisses.map((each) =>
      printable(`\n- ${JSON.stringify(each.subject)} from ${each.from_addr} ${why(each)}`),
    )
    const before = returned ? `; ${returned} message${returned > 1 ? "s were" : " was"} ${RETURNED}` : ""
    super(
      `No mail${inWords(clauses, kind)} came to ${address} within ${seconds} s. ` +
        (others.length ? `Other mail:${others.join("")}` : `No other mail came${before}.`) +
        (refused.length ? "\nMail that was not stored:" : "") +
        refused.map((each) => `\n- ${each.stage}: ${endOf(each)}`).join("") +
        (cause ? `\nThe last call failed: ${cause}` : ""),
      cause ? { cause } : undefined,
    )
    this.nearMisses = nearMisses
    this.refused = refused
  }
}

/** A message came that the test did not expect. */
export class Unexpected extends Error {
  override name = "Unexpected"
  readonly mail: Message

  constructor(address: string, clauses: Clauses, mail: Message) {
    super(
      `No mail${inWords(clauses)} was expected at ${address}, but this came:` +
        printable(`\nFrom: ${mail.from_header}\nSubject: ${mail.subject}\n\n${mail.text.slice(0, 1000)}`),
    )
    this.mail = mail
  }
}

/** Mail as text that cannot control a terminal. */
function printable(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, "�")
}

function endOf({ message_id, reply }: RefusedAttempt): string {
  if (message_id) return `a duplicate of the message ${message_id}, which the mailbox had already`
  return reply ?? "the sender left"
}

function why({ failed }: NearMiss): string {
  return failed[0] === RETURNED ? `was ${RETURNED}` : `failed ${failed.join(", ")}`
}

function inWords({ from, has = [], ...texts }: Clauses, kind?: LinkKind): string {
  const words = Object.entries(texts).flatMap(([name, value]) => (value ? `${name} ${quoted(value)}` : []))
  for (const each of [has].flat()) words.push(`${each === "attachment" ? "an" : "a"} ${each}`)
  if (kind) words[words.length - 1] += ` of the kind ${kind}`
  return (from ? ` from ${quoted(from)}` : "") + (words.length ? ` with ${words.join(" and ")}` : "")
}

function quoted(text: string | RegExp): string {
  return typeof text === "string" ? JSON.stringify(text) : String(text)
}

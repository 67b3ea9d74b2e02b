// The failures of a call: a problem that the API reports, or no response at all.

import { Problem } from "../../../clients/typescript/src/calls"

/** A failed call as the page tells of it. */
export interface Trouble {
  /** A code of the API, or `away`, for a call without a response. */
  readonly code: string
  readonly detail: string
  /** True when another attempt may succeed without a change. */
  readonly passes: boolean
  /** When another attempt is worth it, in milliseconds since 1970; 0 when the API names no time. */
  readonly triesAt: number
}

export function troubleOf(thrown: unknown): Trouble {
  if (!(thrown instanceof Problem)) return { code: "away", detail: "", passes: true, triesAt: 0 }
  const { code, status, retryAfter, body } = thrown
  return {
    code,
    detail: String(body["detail"] ?? ""),
    passes: status === 429 || status >= 500,
    triesAt: retryAfter ? Date.now() + retryAfter * 1_000 : 0,
  }
}

/** True when the mailbox or the message is not there any more. */
export function isGone(thrown: unknown): boolean {
  return thrown instanceof Problem && (thrown.code === "mailbox_not_found" || thrown.code === "message_not_found")
}

/** True when the API responded with this code. */
export function isProblem(thrown: unknown, code: string): boolean {
  return thrown instanceof Problem && thrown.code === code
}

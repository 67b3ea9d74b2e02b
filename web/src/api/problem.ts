// What can go wrong with a call: a problem that the API tells of, or no response at all.

/** An error response of the API. `code` is stable; `away` is ours, for a call without a response. */
export class Problem extends Error {
  readonly code: string
  readonly status: number
  /** Seconds until another try is worth it; 0 when the API names none. */
  readonly retryAfter: number

  constructor(code: string, status: number, detail: string, retryAfter = 0) {
    super(detail)
    this.code = code
    this.status = status
    this.retryAfter = retryAfter
  }

  /** True when another try may succeed without a change. */
  get passes(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const retryAfter = Number(response.headers.get("Retry-After")) || 0
  try {
    const { code, detail } = (await response.json()) as { code: string; detail: string }
    return new Problem(code, response.status, detail, retryAfter)
  } catch {
    // A proxy before the API responds with a page of its own.
    return new Problem("unavailable", response.status, response.statusText, retryAfter)
  }
}

export function away(): Problem {
  return new Problem("away", 0, "The API does not respond.")
}

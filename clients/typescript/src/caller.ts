/** Calls of the API, which are made again while the API is away, restarts or asks for patience. */
import { Problem } from "./errors.ts"
import type { CallOptions } from "./types.ts"

export interface Request extends CallOptions {
  query?: Record<string, unknown>
  body?: unknown
  token?: string | undefined
  headers?: Record<string, string>
  /** Seconds until a call without a response counts as cut. */
  within?: number
}

export interface CallerOptions {
  fetch?: typeof fetch
  /** For so many seconds a call is made again while the API is away or asks to wait; 30 by default, and 0 for one attempt. */
  patience?: number
}

/** Makes calls again until their deadline. */
export class Caller {
  readonly url: string
  readonly patience: number
  readonly #fetch: typeof fetch

  /** `url` is the address of the API, as http://localhost:3001. */
  constructor(url: string, { fetch, patience = 30 }: CallerOptions = {}) {
    this.url = new URL(url).href.replace(/\/$/, "")
    // A browser's fetch must be called on its window.
    this.#fetch = fetch ?? ((...request) => globalThis.fetch(...request))
    this.patience = patience
  }

  /** The response of one call; throws a Problem for an error response. */
  async once(method: string, path: string, request: Request = {}): Promise<Response> {
    const { token, body, within, signal, keepalive } = request
    const signals = [signal, within && AbortSignal.timeout(Math.ceil(within * 1000))].filter((each) => !!each)
    const response = await this.#fetch(this.link(path, request.query), {
      method,
      signal: AbortSignal.any(signals),
      cache: "no-store",
      keepalive: keepalive ?? false,
      body: body === undefined ? null : JSON.stringify(body),
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...request.headers,
      },
    })
    if (response.ok) return response
    const text = await response.text()
    let problem: unknown
    try {
      problem = JSON.parse(text)
    } catch {
      // A proxy's own page.
    }
    throw new Problem(response, (problem ?? {}) as Record<string, unknown>)
  }

  /** What `read` makes of the response; both are tried again for as long as the caller's patience lasts. */
  async call<T>(method: string, path: string, request: Request, read: (response: Response) => Promise<T>): Promise<T> {
    const end = performance.now() + this.patience * 1000
    for (let attempt = 0; ; attempt++) {
      try {
        return await read(await this.once(method, path, { within: this.patience, ...request }))
      } catch (error) {
        const isCut = !(error instanceof Problem)
        const delay = retryDelay(error, attempt, request.signal)
        if (delay === undefined || performance.now() + delay > end) throw error
        // The address of a mailbox with an exact name may be given out already.
        if (isCut && (request.body as { exact?: boolean } | undefined)?.exact) throw error
        await sleep(delay, request.signal)
      }
    }
  }

  /** The JSON of the response, as `json<MailboxInfo>("GET", "inbox", { query: { address }, token })`. */
  async json<T>(method: string, path: string, request: Request = {}): Promise<T> {
    return this.call(method, path, request, (response) => response.json())
  }

  /** The URL of a call; an id in the path that is no id, as of a link to your page, names no other path. */
  link(path: string, query: Record<string, unknown> = {}): string {
    const pairs = Object.entries(query).flatMap(([name, value]) =>
      [value].flat().flatMap((each) => (each === undefined ? [] : [[name, String(each)]])),
    )
    return `${this.url}/api/${path.replace(/[^\w/-]/g, "_")}${pairs.length ? `?${new URLSearchParams(pairs)}` : ""}`
  }
}

/** The milliseconds until a failed call is worth another attempt; undefined when it never is. */
export function retryDelay(error: unknown, attempt: number, signal?: AbortSignal): number | undefined {
  // Another server than the API sends no JSON.
  if (signal?.aborted || error instanceof SyntaxError) return undefined
  const backoff = Math.min(250 * 2 ** attempt, 2000)
  if (!(error instanceof Problem)) return backoff
  if (![429, 502, 503, 504].includes(error.status)) return undefined
  return error.retryAfter > 0 ? error.retryAfter * 1000 : backoff
}

/** Wait; rejects with the signal's reason when that aborts. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop)
      resolve()
    }, milliseconds)
    if (signal?.aborted) stop()
    else signal?.addEventListener("abort", stop, { once: true })
  })
}

// Server-sent events over `fetch` (HTML Living Standard §9.2.5), which tells why a connection failed.

import { call } from "./client"
import { parse, type StreamEvent } from "./parse"
import { away } from "./problem"

// The API sends a comment every 15 seconds.
const SILENCE_MS = 40_000

/**
 * Yield `null` once the stream is open, then each event from now on; return when the stream ends.
 * Throws a `Problem` when the connection fails, or when it stays silent for too long.
 */
export async function* events(ticket: string, stop: AbortSignal): AsyncGenerator<StreamEvent | null> {
  const silent = new AbortController()
  let timer = setTimeout(() => silent.abort(), SILENCE_MS)
  const signal = AbortSignal.any([stop, silent.signal])
  try {
    const response = await call(`/api/inbox/stream?ticket=${ticket}&since=now`, { signal })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    yield null
    let text = ""
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => silent.abort(), SILENCE_MS)
      const blocks = (text + value).split("\n\n")
      text = blocks.pop() ?? ""
      for (const block of blocks) {
        const event = parse(block)
        if (event) yield event
      }
    }
  } catch (error) {
    if (stop.aborted) return
    throw error instanceof Error && "code" in error && typeof error.code === "string" ? error : away()
  } finally {
    clearTimeout(timer)
  }
}

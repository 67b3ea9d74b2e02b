// The events of a stream as text. Pure.

import type { Listed } from "./types"

export type StreamEvent =
  | { name: "message"; data: Listed & { temp_email_addr: string } }
  | { name: "seen"; data: { temp_email_addr: string; id: string; seq: number; seen: boolean } }
  | { name: "deleted"; data: { temp_email_addr: string; id: string; seq: number } }
  | { name: "gone"; data: { temp_email_addr: string } }
  | { name: "expired"; data: object }

/** Read one event of a stream; null for what is only a comment or a delay. */
export function parse(block: string): StreamEvent | null {
  let name = ""
  let data = ""
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7)
    if (line.startsWith("data: ")) data += line.slice(6)
  }
  return name && data ? ({ name, data: JSON.parse(data) } as StreamEvent) : null
}

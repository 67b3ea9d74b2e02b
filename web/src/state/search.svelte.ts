// The search in the mailbox that is shown, as one types.

import * as api from "../api/client"
import { troubleOf, type Trouble } from "../api/problem"
import type { Page, Summary } from "../api/types"
import { boxes } from "./boxes.svelte"

const PAUSE_MS = 200

/** What the search found so far, the newest first. */
interface Found {
  readonly address: string
  readonly query: string
  readonly messages: readonly Summary[]
  /** Where older messages that match go on; null at the oldest. */
  readonly cursor: string | null
}

let query = $state("")
let found = $state.raw<Found | null>(null)
let problem = $state.raw<Trouble | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined
let stop = new AbortController()

export const search = {
  get query(): string {
    return query
  },
  set query(wanted: string) {
    query = wanted
    again(PAUSE_MS)
  },
  get problem(): Trouble | null {
    return problem
  },
  /** The messages that are found, the newest first; all of the mailbox without a search. */
  get shown(): readonly Summary[] {
    const box = boxes.current
    if (!box) return []
    if (found === null) return box.visible
    if (found.address !== box.address) return []
    const listed = new Map(box.messages.map((each) => [each.id, each]))
    return box.shown(found.messages).map((each) => listed.get(each.id) ?? each)
  },
  get isOn(): boolean {
    return found !== null
  },
  get hasOlder(): boolean {
    return typeof found?.cursor === "string"
  },
}

/** Search anew after the pause: the query, the mailbox or its mail has changed. */
export function again(pause = PAUSE_MS): void {
  clearTimeout(timer)
  stop.abort()
  stop = new AbortController()
  const box = boxes.current
  const wanted = query.trim()
  if (!box || !wanted) {
    found = null
    problem = null
    return
  }
  const { signal } = stop
  timer = setTimeout(async () => {
    try {
      const page = await api.list(box, wanted, null, signal)
      if (signal.aborted) return
      const isSame = found?.address === box.address && found.query === wanted
      found = { address: box.address, query: wanted, ...renewed(page, isSame ? found : null) }
      problem = null
    } catch (thrown) {
      if (!signal.aborted) problem = troubleOf(thrown)
    }
  }, pause)
}

/** Add the next page of older messages that match; nothing when the search has changed meanwhile. */
export async function findOlder(): Promise<void> {
  const box = boxes.current
  const before = found
  if (!box || !before?.cursor) return
  const { messages, next_cursor } = await api.list(box, before.query, before.cursor)
  if (found === before) found = { ...before, messages: [...before.messages, ...messages], cursor: next_cursor }
}

/** The newest that match, and behind them the older ones that the same search had found already. */
function renewed({ messages, next_cursor }: Page, before: Found | null): Pick<Found, "messages" | "cursor"> {
  const oldest = messages.at(-1)?.seq ?? 0
  const older = next_cursor && before ? before.messages.filter(({ seq }) => seq < oldest) : []
  return { messages: [...messages, ...older], cursor: older.length ? before!.cursor : next_cursor }
}

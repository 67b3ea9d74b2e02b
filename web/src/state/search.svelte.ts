// The search in the mailbox that is shown, as one types.

import * as api from "../api/client"
import { troubleOf, type Trouble } from "../api/problem"
import type { Summary } from "../api/types"
import { boxes } from "./boxes.svelte"

const PAUSE_MS = 200

let query = $state("")
let found = $state.raw<readonly string[] | null>(null)
let unlisted = $state.raw<ReadonlyMap<string, Summary>>(new Map())
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
    const listed = new Map(box.messages.map((each) => [each.id, each]))
    return found.filter((id) => !box.hidden.has(id)).flatMap((id) => listed.get(id) ?? unlisted.get(id) ?? [])
  },
  get isOn(): boolean {
    return found !== null
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
      const { messages } = await api.list(box, wanted, null, signal)
      if (signal.aborted) return
      unlisted = new Map(messages.map((each) => [each.id, each]))
      found = messages.map(({ id }) => id)
      problem = null
    } catch (thrown) {
      if (!signal.aborted) problem = troubleOf(thrown)
    }
  }, pause)
}

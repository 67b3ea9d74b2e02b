// The marks of messages as read, in the order in which the person made them.

import * as api from "../api/client"
import type { Key } from "../api/types"

const calls = new Map<string, Promise<unknown>>()

/** Mark a message once the call before it for the same message has ended: two at once may arrive in any order. */
export function mark(key: Key, id: string, seen: boolean): Promise<unknown> {
  const before = calls.get(id) ?? Promise.resolve()
  const send = (): Promise<unknown> => api.mark(key, id, seen)
  const call = before.then(send, send)
  calls.set(id, call)
  const end = (): void => {
    if (calls.get(id) === call) calls.delete(id)
  }
  call.then(end, end)
  return call
}

// Deletion of messages: hidden at once, deleted when they can no longer be restored.

import * as api from "../api/client"
import { isGone } from "../api/problem"
import { t } from "../words/words.svelte"
import { atOnce } from "./at_once"
import type { Box } from "./box.svelte"
import { fail, NOTICE_MS, say } from "./notices.svelte"

// In place of an id: all mail that is older than the first of the ids.
const OLDER = ""

interface Pending {
  readonly box: Box
  readonly ids: readonly string[]
  /** The arrival of the first of them, where all older mail is deleted too, listed or not; else empty. */
  readonly before: string
  readonly timer: ReturnType<typeof setTimeout>
}

const pending = new Set<Pending>()

/** Hide messages, and delete them when they can no longer be restored; with `before` all older mail too. */
export function remove(box: Box, wanted: readonly string[], before = ""): void {
  const ids = wanted.filter((id) => !box.hidden.has(id) && !box.gone.has(id))
  if (!ids.length) return
  box.hide(ids)
  const entry: Pending = { box, ids, before, timer: setTimeout(() => void finish(entry), NOTICE_MS) }
  pending.add(entry)
  say(before ? t("deleted_all") : t("deleted", { n: ids.length }), { undo: () => restore(entry) })
}

function restore(entry: Pending): void {
  clearTimeout(entry.timer)
  pending.delete(entry)
  entry.box.restored(entry.ids)
}

async function finish(entry: Pending, isLast = false): Promise<void> {
  if (!pending.delete(entry)) return
  clearTimeout(entry.timer)
  const { box, ids, before } = entry
  const [newest = "", ...older] = ids
  const failures = await atOnce(
    before ? [newest, OLDER] : ids,
    async (id) => {
      if (id === OLDER) {
        await api.removeBefore(box, before, isLast)
        return older.forEach((each) => box.removed(each))
      }
      try {
        await api.remove(box, id, isLast)
      } catch (thrown) {
        if (!isGone(thrown)) throw thrown
      }
      box.removed(id)
    },
    isLast ? Infinity : undefined,
  )
  box.restored(failures.flatMap(({ each }) => (each === OLDER ? older : each)))
  if (failures[0]) fail(failures[0].thrown)
}

/** Delete at once what waits for it: the page is about to end. */
export function finishAll(): void {
  for (const entry of [...pending]) void finish(entry, true)
}

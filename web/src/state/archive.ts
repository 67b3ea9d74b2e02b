// The attachments of a message in one ZIP file, which is made in the browser.

import { downloadZip } from "client-zip"
import * as api from "../api/client"
import type { Key } from "../api/types"

interface File {
  readonly number: number
  readonly name: string
}

export async function archive(key: Key, id: string, files: readonly File[]): Promise<Blob> {
  const names = unique(files.map(({ name }) => name))
  async function* entries(): AsyncGenerator<{ name: string; input: Blob }> {
    for (const [at, { number }] of files.entries())
      yield { name: names[at]!, input: await api.attachment(key, id, number) }
  }
  return downloadZip(entries()).blob()
}

/** Names without folders, each once: a second `a.txt` becomes `a (2).txt`. */
export function unique(names: readonly string[]): readonly string[] {
  const taken = new Set<string>()
  return names.map((given) => {
    const name = given.replace(/[\\/:]/g, "_").replace(/^\.+/, "_") || "file"
    const dot = name.lastIndexOf(".") > 0 ? name.lastIndexOf(".") : name.length
    let free = name
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${name.slice(0, dot)} (${n})${name.slice(dot)}`
    taken.add(free.toLowerCase())
    return free
  })
}

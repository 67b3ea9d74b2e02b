// The sender of a message as a list shows it. Pure.

import type { Code, Link, Summary } from "../api/types"

type Sent = Pick<Summary, "from" | "from_addr">

const SURE = 0.5

export function senderName(message: Sent): string {
  const [first] = message.from
  return first?.name || first?.address || message.from_addr
}

/** One or two letters for the sender's picture. */
export function initials(name: string): string {
  const words = name
    .replace(/@.*/, "")
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
  const [first = "?", last] = [words[0], words.length > 1 ? words.at(-1) : undefined]
  return ([...first][0]! + (last ? [...last][0]! : ([...first][1] ?? ""))).toUpperCase()
}

/** A colour of the sender's own, as a hue in degrees. */
export function hue(address: string): number {
  // FNV-1a: each letter changes all of the number.
  let hash = 0x811c9dc5
  for (const letter of address.toLowerCase()) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193)
  return (hash >>> 0) % 360
}

/** The code to offer, if one is sure enough. */
export function bestCode(codes: readonly Code[]): Code | undefined {
  return codes.find(({ confidence }) => confidence >= SURE)
}

/** The parts of a code that stand together: six and eight digits are two. */
export function groups(code: string): readonly string[] {
  const half = code.length / 2
  return /^(?:\d{6}|\d{8})$/.test(code) ? [code.slice(0, half), code.slice(half)] : [code]
}

/** The link that the message is about, if there is one. */
export function bestLink(links: readonly Link[]): (Link & { kind: "verify" | "reset" | "login" }) | undefined {
  return links.find(
    (link): link is Link & { kind: "verify" | "reset" | "login" } =>
      ["verify", "reset", "login"].includes(link.kind) && /^https?:/i.test(link.url),
  )
}

export function host(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return url
  }
}

/** The line that shows a code, in three pieces with the code in the middle; the code may have gaps there. */
export function evidenceOf({ value, evidence }: Code): readonly [string, string, string] {
  const spaced = [...value].map((letter) => letter.replace(/[^\p{L}\p{N}]/u, "\\$&")).join("[\\s-]?")
  const found = new RegExp(spaced, "u").exec(evidence)
  if (!found) return [evidence, "", ""]
  const end = found.index + found[0].length
  return [evidence.slice(0, found.index), found[0], evidence.slice(end)]
}

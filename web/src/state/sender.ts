// The meaning of the check of a sender for a reader.

import type { Whole } from "../api/types"

type Authentication = Whole["authentication"]

export type Kind = "pending" | "unchecked" | "confirmed" | "refuted" | "open"

export interface Told {
  kind: Kind
  domain: string
}

export interface Row {
  name: string
  result: string
  reason: string
}

/** One word for the whole: DMARC decides, since it is about the domain that the reader sees. */
export function verdict(found: Authentication | undefined): Told {
  const domain = found?.dmarc?.domain ?? ""
  if (found?.status === "pending") return { kind: "pending", domain }
  if (found?.status !== "checked") return { kind: "unchecked", domain }
  const kinds: Partial<Record<string, Kind>> = { pass: "confirmed", fail: "refuted" }
  return { kind: kinds[found.dmarc?.result ?? ""] ?? "open", domain }
}

/** Each result under the name of its method, and the findings in the header. */
export function results({ dmarc, spf, dkim, arc, tls, reverse_dns, unsubscribe, header }: Authentication): Row[] {
  const named = [
    ["DMARC", dmarc],
    ["SPF", spf],
    ...dkim.map((each) => ["DKIM", each] as const),
    ["ARC", arc],
    ["TLS", tls],
    ["Reverse DNS", reverse_dns],
    ["Unsubscribe", unsubscribe],
  ] as const
  const rows = named.flatMap(([name, found]) => (found ? [{ name, result: found.result, reason: found.reason }] : []))
  const findings = header.map((each) => ({ name: "Header", result: "", reason: each.reason }))
  return [...rows, ...findings]
}

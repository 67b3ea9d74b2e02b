// The time of day, for ages and for the time that is left.

import { apiTime } from "./api_time.svelte"

// The ages of a long list are all written anew at once, which is too much work for each second.
const AGES_MS = 15_000

let now = $state(Date.now())
const ages = $derived(Math.ceil(apiTime(now) / AGES_MS) * AGES_MS)

setInterval(() => {
  if (!document.hidden) now = Date.now()
}, 1_000)
document.addEventListener("visibilitychange", () => (now = Date.now()))

export const clock = {
  /** The time of the API, which changes each second. */
  get now(): number {
    return apiTime(now)
  },
  /** The time for ages in a list. */
  get ages(): number {
    return ages
  },
}

/** The seconds until a moment of this device's clock, counted down; 0 after it. */
export const secondsUntil = (then: number): number => Math.max(0, Math.ceil((then - now) / 1_000))

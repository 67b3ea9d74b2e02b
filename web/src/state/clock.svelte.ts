// The time of day, for ages and for the time that is left.

// The ages of a long list are all written anew at once, which is too much work for each second.
const AGES_MS = 15_000

let now = $state(Date.now())
const ages = $derived(Math.ceil(now / AGES_MS) * AGES_MS)

setInterval(() => {
  if (!document.hidden) now = Date.now()
}, 1_000)
document.addEventListener("visibilitychange", () => (now = Date.now()))

export const clock = {
  get now(): number {
    return now
  },
  /** The time for ages in a list. */
  get ages(): number {
    return ages
  },
}

/** The seconds until a moment, counted down; 0 after it. */
export const secondsUntil = (then: number): number => Math.max(0, Math.ceil((then - now) / 1_000))

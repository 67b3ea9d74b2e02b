// The time of day, for ages and for the time that is left.

// The ages of a long list are all written anew at once, which is too much work for each second.
const AGES_MS = 15_000

// A clock that is right is not corrected by the time that a response takes.
const RIGHT_MS = 60_000

let now = $state(Date.now())
/** The difference between the clock of the API and that of this device. */
let ahead = $state(0)
const ages = $derived(Math.ceil((now + ahead) / AGES_MS) * AGES_MS)

setInterval(() => {
  if (!document.hidden) now = Date.now()
}, 1_000)
document.addEventListener("visibilitychange", () => (now = Date.now()))

/** Take in the time of the API from a response. */
export function told(date: string | null): void {
  const found = Date.parse(date ?? "") - Date.now()
  ahead = Math.abs(found) > RIGHT_MS ? found : 0
}

/** The time of the API now, in milliseconds since 1970. */
export const apiTime = (): number => Date.now() + ahead

export const clock = {
  /** The time of the API, which changes each second. */
  get now(): number {
    return now + ahead
  },
  /** The time for ages in a list. */
  get ages(): number {
    return ages
  },
}

/** The seconds until a moment of this device's clock, counted down; 0 after it. */
export const secondsUntil = (then: number): number => Math.max(0, Math.ceil((then - now) / 1_000))

// The time of day, for ages and for the time that is left.

let now = $state(Date.now())

setInterval(() => {
  if (!document.hidden) now = Date.now()
}, 1_000)
document.addEventListener("visibilitychange", () => (now = Date.now()))

export const clock = {
  get now(): number {
    return now
  },
}

/** The seconds until a moment, counted down; 0 after it. */
export const secondsUntil = (then: number): number => Math.max(0, Math.ceil((then - now) / 1_000))

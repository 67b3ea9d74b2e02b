// The time of the API, by which mail arrives and mailboxes end: the clock of this device may be wrong.

// A clock that is right is not corrected by the time that a response takes.
const RIGHT_MS = 60_000

let ahead = $state(0)

/** Take in the time of the API from a response. */
export function told(date: string | null): void {
  const found = Date.parse(date ?? "") - Date.now()
  ahead = Math.abs(found) > RIGHT_MS ? found : 0
}

/** The time of the API at a time of this device, both in milliseconds since 1970. */
export const apiTime = (here = Date.now()): number => here + ahead

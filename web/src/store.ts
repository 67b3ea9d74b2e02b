// What this browser keeps of the page. Where it refuses, as with all cookies blocked or without space, the page remembers.

const PREFIX = "fake-email."
const remembered = new Map<string, string>()

export function load(name: string): string | null {
  const found = remembered.get(name)
  if (found !== undefined) return found
  try {
    return localStorage.getItem(PREFIX + name)
  } catch {
    return null
  }
}

/** Keep a value; false where it is gone with the page. */
export function save(name: string, value: string): boolean {
  try {
    localStorage.setItem(PREFIX + name, value)
    remembered.delete(name)
    return true
  } catch {
    remembered.set(name, value)
    return false
  }
}

export function clear(): void {
  remembered.clear()
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key)
  } catch {
    // There is nothing.
  }
}

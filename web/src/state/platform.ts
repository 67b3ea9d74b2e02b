// The names of the keys on the keyboard of this device.

const isApple = /mac|iphone|ipad/i.test(navigator.userAgent)

/** The name of a key that is pressed with Command or Ctrl. */
export const commandKey = (key: string): string => (isApple ? `⌘${key}` : `Ctrl ${key}`)

import { expect, test } from "vitest"
import { qrPath } from "../src/state/qr"

test("a QR code has its three finder patterns within the margin, and none at the fourth corner", () => {
  const { size, path } = qrPath("mailto:annllqznrzt@fake-email.test")
  const isDark = (x: number, y: number) => path.includes(`M${x} ${y}h`)
  const hasFinder = (left: number, top: number) =>
    [...Array(7).keys()].every((at) => isDark(left + at, top) && isDark(left, top + at)) && !isDark(left + 1, top + 1)

  expect([hasFinder(4, 4), hasFinder(size - 11, 4), hasFinder(4, size - 11), hasFinder(size - 11, size - 11)]).toEqual([
    true,
    true,
    true,
    false,
  ])
  expect(isDark(3, 3)).toBe(false)
})

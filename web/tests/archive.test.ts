import { expect, test, vi } from "vitest"

vi.stubEnv("VITE_API_URL", "http://api.test")
const { unique } = await import("../src/state/archive")

test("each file of an archive has a name of its own, and none is in a folder", () => {
  expect(unique(["a.txt", "A.txt", "a.txt", "../../etc/passwd", ".hidden", ""])).toEqual([
    "a.txt",
    "A (2).txt",
    "a (3).txt",
    "__.._etc_passwd",
    "_hidden",
    "file",
  ])
})

import { expect, test, vi } from "vitest"

vi.stubEnv("VITE_API_URL", "http://api.test")
const { mark } = await import("../src/state/marks")

test("a mark is sent after the one before it for the same message has ended", async () => {
  const sent: string[] = []
  const answers: (() => void)[] = []
  vi.stubGlobal("fetch", (_url: string, { body }: RequestInit) => {
    sent.push(String(body))
    return new Promise((resolve) => answers.push(() => resolve(new Response("{}"))))
  })

  const first = mark({ address: "ann@mx.test" }, "1", true)
  const second = mark({ address: "ann@mx.test" }, "1", false)
  await vi.waitFor(() => expect(sent).toEqual(['{"seen":true}']))
  answers[0]!()
  await first
  await vi.waitFor(() => expect(sent).toEqual(['{"seen":true}', '{"seen":false}']))
  answers[1]!()

  await second
})

/** Faults of the API and of the network: nothing is lost, and nothing comes twice. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { test } from "node:test"

import { Mail, NoMail, Problem, type StreamState } from "../src/index.ts"
import { deliver } from "./smtp.ts"
import { ask, failure, mail, openStream, take, url } from "./world.ts"

/** The events so far, in order; `until` resolves when `value` happened so often. */
class Watch<T> {
  readonly seen: T[] = []
  #wake = () => {}

  add = (value: T): void => {
    this.seen.push(value)
    this.#wake()
  }

  async until(value: T, times = 1): Promise<void> {
    while (this.seen.filter((each) => each === value).length < times) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

/**
 * A connection to the API that can be cut and mended, also after so many octets of the API; `paths` are those of the
 * calls through it, and `cuts` the responses that were cut.
 */
async function relay() {
  const sockets = new Set<Socket>()
  const paths = new Watch<string>()
  const cuts = new Watch<"cut">()
  let isCut = false
  let octetsLeft = Infinity
  const server = createServer((client) => {
    const api = connect(Number(new URL(url).port), "127.0.0.1")
    for (const [from, to] of [
      [client, api],
      [api, client],
    ] as const) {
      sockets.add(from)
      from.on("error", () => {}).on("close", () => to.destroySoon())
    }
    client.pipe(api)
    api.on("data", (octets) => {
      const passing = octets.subarray(0, octetsLeft)
      client.write(passing)
      octetsLeft -= passing.length
      if (passing.length === octets.length) return
      octetsLeft = Infinity
      cuts.add("cut")
      api.destroy()
    })
    if (isCut) client.destroy()
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const cut = () => {
    isCut = true
    sockets.forEach((each) => each.destroy())
  }
  return {
    paths,
    mail: new Mail(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      fetch: (input, init) => {
        paths.add(new URL(String(input)).pathname)
        return fetch(input, init)
      },
    }),
    cut,
    cuts,
    cutAfter: (octets: number) => (octetsLeft = octets),
    mend: () => (isCut = false),
    [Symbol.dispose]: () => {
      server.close()
      cut()
    },
  }
}

test("wait finds mail that came while http-api was restarted", async () => {
  await using box = await mail.mailbox({ private: true })
  const waited = box.wait({ subject: "welcome", timeout: 25 })
  await ask("stop")
  await deliver(box.address, "Welcome")
  await ask("start")
  assert.equal((await waited).subject, "Welcome")
})

test("without the API, wait says at the deadline that it was away", async () => {
  await using box = await mail.mailbox()
  await ask("stop")
  const [waited, none] = await Promise.all([failure(box.wait({ timeout: 2 })), failure(box.expectNone({ within: 1 }))])
  await ask("start")
  assert(waited instanceof NoMail)
  assert.match(waited.message, /The last call failed: TypeError/)
  assert(none instanceof TypeError)
})

test("a stream goes on after a restart, and tells what it missed", async () => {
  await using box = await mail.mailbox({ private: true })
  await using other = await mail.mailbox()
  const states = new Watch<StreamState>()
  const delays: number[] = []
  const onFailure = (failure: unknown, delay: number) => {
    assert(failure instanceof Error)
    delays.push(delay)
  }
  const { stream, iterator, events } = openStream([box, other], { onState: states.add, onFailure })
  await deliver(box.address, "One")
  assert.equal(await events, "message One")
  const more = take(iterator, 2)
  await ask("stop")
  await states.until("offline")
  await deliver(other.address, "Two")
  await ask("start")
  await states.until("open", 2)
  await deliver(box.address, "Three")
  assert.deepEqual(await more, ["message Two", "message Three"])
  assert(delays.length && delays.every((each) => each > 0))
  stream.close()
})

test("a cut connection loses nothing, and a change that the stream missed is told", async () => {
  using link = await relay()
  await using box = await mail.mailbox()
  const states = new Watch<StreamState>()
  const { stream, iterator, events } = openStream([link.mail.open(box.address)], { onState: states.add }, link.mail)
  await states.until("open")
  const waited = link.mail.open(box.address).wait({ subject: "two" })
  await deliver(box.address, "One")
  assert.equal(await events, "message One")
  const { id } = await box.wait()
  link.cut()
  await box.mark(id)
  await deliver(box.address, "Two")
  link.mend()
  assert.deepEqual(await take(iterator, 2), ["changed", "message Two"])
  assert.equal((await waited).subject, "Two")
  stream.close()
})

for (const octets of [0, 100, 600]) {
  test(`a message whose response is cut after ${octets} octets is found again`, async () => {
    using link = await relay()
    await using box = await mail.mailbox()
    await deliver(box.address, "One")
    link.cutAfter(octets)
    const reader = link.mail.open(box.address)
    assert.equal((await reader.wait()).subject, "One")
    assert.deepEqual(link.cuts.seen, ["cut"])
    await deliver(box.address, "Two")
    assert.equal((await reader.wait()).subject, "Two")
  })
}

test("nothing is lost while the database is away", async () => {
  await using box = await mail.mailbox()
  const { stream, iterator, events } = openStream([box])
  await deliver(box.address, "One")
  assert.equal(await events, "message One")
  const waited = box.wait({ subject: "two" })
  await ask("stop-database")
  const refused = await failure(new Mail(url, { patience: 0 }).open(box.address).info())
  await ask("start-database")
  assert(refused instanceof Problem)
  assert.equal(refused.status, 503)
  // A mail server sends again what was deferred.
  while (/refused: 4/.test(String(await failure(deliver(box.address, "Two"))))) continue
  assert.equal((await waited).subject, "Two")
  assert.deepEqual(await take(iterator, 1), ["message Two"])
  stream.close()
})

test("a mailbox that ends while the connection is cut is told as gone", async () => {
  using link = await relay()
  await using ann = await mail.mailbox()
  const bob = await mail.mailbox()
  const states = new Watch<StreamState>()
  const mailboxes = [ann, bob].map(({ address }) => link.mail.open(address))
  const { stream, events } = openStream(mailboxes, { onState: states.add }, link.mail)
  await states.until("open")
  link.cut()
  await bob.close()
  link.mend()
  assert.equal(await events, "gone")
  stream.close()
})

test("a stream makes a new ticket when its ticket expires", async () => {
  using link = await relay()
  await using ann = await mail.mailbox({ private: true })
  const bob = await mail.mailbox({ private: true })
  const mailboxes = [ann, bob].map(({ address, token }) => link.mail.open(address, token))
  const states = new Watch<StreamState>()
  const { stream, iterator, events } = openStream(mailboxes, { onState: states.add }, link.mail)
  await states.until("open")
  await ask("end-tickets")
  link.cut()
  link.mend()
  await link.paths.until("/api/tickets", 2)
  await bob.close()
  await deliver(ann.address, "One")
  const told = [await events, ...(await take(iterator, 1))]
  assert.deepEqual(told.sort(), ["gone", "message One"])
  stream.close()
})

test("a call past a limit is made again after Retry-After", async () => {
  const statuses = new Watch<number>()
  // Only a client of another host has limits.
  const limited = new Mail(url, {
    fetch: async (input, init) => {
      const headers = { ...(init?.headers as Record<string, string>), "X-Forwarded-For": "198.51.100.7" }
      const response = await fetch(input, { ...init, headers })
      statuses.add(response.status)
      return response
    },
  })
  await using box = await mail.mailbox()
  const first = limited.open(box.address).wait()
  const second = limited.open(box.address).wait()
  await statuses.until(429)
  await deliver(box.address, "Welcome")
  assert.deepEqual(
    (await Promise.all([first, second])).map((each) => each.subject),
    ["Welcome", "Welcome"],
  )
  assert.deepEqual(statuses.seen, [429, 200, 200])
})

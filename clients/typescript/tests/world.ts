/** The world of the tests: the real services, whose addresses are in the environment, and an SMTP client. */
import { once } from "node:events"
import { connect } from "node:net"
import { createInterface } from "node:readline"

import { Mail, type Mailbox, type StreamEvent, type StreamOptions } from "../src/index.ts"

export const url = String(process.env.FAKE_EMAIL_URL)
export const mail = new Mail(url)

/** An error that `promise` rejects with. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** Deliver a text mail, or content with header fields of its own. */
export async function deliver(address: string, subject: string, text = "Hello there."): Promise<void> {
  await deliverContent(address, `From: Ann <ann@example.test>\r\nSubject: ${subject}\r\n\r\n${text}\r\n`)
}

export async function deliverContent(address: string, content: string): Promise<void> {
  const socket = connect(Number(process.env.SMTP_PORT), "127.0.0.1")
  await once(socket, "connect")
  const lines = createInterface(socket)[Symbol.asyncIterator]()
  const commands = ["EHLO client.test", "MAIL FROM:<ann@example.test>", `RCPT TO:<${address}>`, "DATA", `${content}.`]
  for (const command of [...commands, "QUIT"]) {
    await reply(lines)
    socket.write(`${command}\r\n`)
  }
  socket.end()
}

async function reply(lines: AsyncIterator<string>): Promise<void> {
  for (;;) {
    const { done, value } = await lines.next()
    if (done || /^[45]/.test(value)) throw new Error(`refused: ${value}`)
    if (value[3] === " ") return
  }
}

/** Ask the program that started the services for something, as `restart`. */
export async function ask(what: string): Promise<void> {
  const response = await fetch(`${process.env.CONTROL_URL}/${what}`, { method: "POST" })
  if (!response.ok) throw new Error(`${what}: ${await response.text()}`)
}

export const WITH_ALL = [
  "From: Ann <ann@example.test>",
  "Subject: Welcome",
  "Content-Type: multipart/mixed; boundary=b",
  "",
  "--b",
  "Content-Type: text/html",
  "",
  '<p>Your code is 482913. <a href="https://example.test/verify?t=Qm9w">Confirm your address</a></p>',
  "--b",
  "Content-Type: text/plain",
  "Content-Disposition: attachment; filename=terms.txt",
  "",
  "Be kind.",
  "--b--",
  "",
].join("\r\n")

/** What an event says, without what is different in each run. */
export function brief(event: StreamEvent): string {
  return `${event.type} ${event.type === "message" ? event.message.subject : event.type === "seen" ? event.seen : ""}`.trim()
}

export async function take(stream: AsyncIterator<StreamEvent>, number: number): Promise<string[]> {
  const events: string[] = []
  while (events.length < number) {
    const { done, value } = await stream.next()
    if (done) break
    events.push(brief(value))
  }
  return events
}

/** A stream that is being read, its first event, and the moment when it is open. */
export function openStream(mailboxes: Mailbox[], options: StreamOptions = {}, from: Mail = mail) {
  const { promise: opened, resolve } = withResolvers()
  const stream = from.stream(mailboxes, {
    ...options,
    onState: (state) => {
      options.onState?.(state)
      if (state === "open") resolve()
    },
  })
  const iterator = stream[Symbol.asyncIterator]()
  const events = iterator.next().then(({ done, value }) => (done ? undefined : brief(value)))
  return { stream, iterator, events, opened }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}

/** The world of the tests: the real services, whose addresses are in the environment. */
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

/** Ask the program that started the services for something, as `restart`. */
export async function ask(what: string): Promise<void> {
  const response = await fetch(`${process.env.CONTROL_URL}/${what}`, { method: "POST" })
  if (!response.ok) throw new Error(`${what}: ${await response.text()}`)
}

/** The text of an event, without its parts that differ in each run. */
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

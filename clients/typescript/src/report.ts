/** Mailboxes as the report of a failed test shows them. */
import type { Mailbox } from "./mailbox.ts"
import type { Message } from "./types.ts"

// A report is read by people: the newest messages, and no source that would make it large.
const MOST_MESSAGES = 10
const MOST_OCTETS = 1_048_576
const MOST_CHARACTERS = 20_000

export interface Attachment {
  name: string
  body: string | Uint8Array
  contentType: string
}

/** The messages of a mailbox, the newest first, each as text and as its source. */
export async function attachments(box: Mailbox, signal: AbortSignal): Promise<Attachment[]> {
  const { messages, next_cursor } = await box.list({ limit: MOST_MESSAGES, signal })
  const shown = await Promise.all(
    messages.map(async ({ id, octets }) => ({
      message: await box.read(id, { signal }),
      source: octets > MOST_OCTETS ? undefined : await box.source(id, { signal }),
    })),
  )
  const number = messages.length ? `${messages.length}${next_cursor ? " newest" : ""}` : "no"
  const overview = [
    `${box.address} has ${number} message${messages.length === 1 ? "" : "s"}.`,
    ...shown.map(
      ({ message }) => `- ${message.received_at} ${JSON.stringify(message.subject)} from ${message.from_addr}`,
    ),
  ]
  const files: Attachment[] = [text(`mailbox ${box.address}`, overview.join("\n"))]
  for (const { message, source } of shown) {
    const name = message.subject || "(no subject)"
    files.push(text(name, inWords(message)))
    if (!source) continue
    files.push({ name: `${name}.eml`, body: new Uint8Array(await source.arrayBuffer()), contentType: "message/rfc822" })
  }
  return files
}

function text(name: string, body: string): Attachment {
  return { name, body, contentType: "text/plain" }
}

function inWords(message: Message): string {
  const lines = [
    `From: ${message.from_header}`,
    `To: ${message.to_addr}`,
    `Subject: ${message.subject}`,
    `Received: ${message.received_at}`,
    ...message.codes.map(({ value }) => `Code: ${value}`),
    ...message.links.map(({ kind, url }) => `Link (${kind}): ${url}`),
    ...message.attachments.map(({ name, size }) => `Attachment: ${name}, ${size} bytes`),
  ]
  return `${lines.join("\n")}\n\n${message.text.slice(0, MOST_CHARACTERS)}`
}

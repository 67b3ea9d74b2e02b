/** An SMTP client, which delivers to SMTP_PORT of this host. */
import { once } from "node:events"
import { connect } from "node:net"
import { createInterface } from "node:readline"

/** A message with a code, a link and an attachment. */
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

/** Deliver a text mail, or content with header fields of its own. */
export async function deliver(address: string, subject: string, text = "Hello there."): Promise<void> {
  await deliverContent(address, `From: Ann <ann@example.test>\r\nSubject: ${subject}\r\n\r\n${text}\r\n`)
}

export async function deliverContent(address: string | string[], content: string): Promise<void> {
  const socket = connect(Number(process.env.SMTP_PORT), "127.0.0.1")
  await once(socket, "connect")
  const lines = createInterface(socket)[Symbol.asyncIterator]()
  const recipients = [address].flat().map((each) => `RCPT TO:<${each}>`)
  const commands = ["EHLO client.test", "MAIL FROM:<ann@example.test>", ...recipients, "DATA", `${content}.`]
  try {
    for (const command of [...commands, "QUIT"]) {
      await reply(lines)
      socket.write(`${command}\r\n`)
    }
  } finally {
    socket.end() // else a refused mail keeps the program from ending
  }
}

async function reply(lines: AsyncIterator<string>): Promise<void> {
  for (;;) {
    const { done, value } = await lines.next()
    if (done || /^[45]/.test(value)) throw new Error(`refused: ${value}`)
    if (value[3] === " ") return
  }
}

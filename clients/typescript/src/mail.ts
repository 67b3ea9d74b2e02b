/** A fake-email server: where mailboxes are made and opened. */
import { Caller, type CallerOptions } from "./caller.ts"
import { Mailbox } from "./mailbox.ts"
import { Stream, type StreamOptions } from "./stream.ts"
import type { CallOptions, DomainList, NewAddress, NewMailbox } from "./types.ts"

export type MailOptions = CallerOptions

export class Mail {
  readonly #caller: Caller

  /** `url` is the address of the API, as http://localhost:3001. */
  constructor(url: string, options?: MailOptions) {
    if (!/^https?:/i.test(url)) throw new TypeError(`${url} is not the URL of an API, as http://localhost:3001 is`)
    this.#caller = new Caller(url, options)
  }

  /** Make a mailbox. */
  async mailbox(options: NewMailbox & CallOptions = {}): Promise<Mailbox> {
    const { ttlSeconds, signal, keepalive, ...wanted } = options
    const body = { ...wanted, ttl_seconds: ttlSeconds }
    const request = { body, ...(signal && { signal }), ...(keepalive && { keepalive }) }
    const made = await this.#caller.json<NewAddress>("POST", "temporary-address", request)
    return this.open(made.temp_email_addr, made.token ?? undefined)
  }

  /** A mailbox that is there already; nothing is asked of the server. */
  open(address: string, token?: string): Mailbox {
    return new Mailbox(this.#caller, address, token)
  }

  /** The events of up to 50 mailboxes in one stream, by a ticket. */
  stream(mailboxes: Iterable<{ address: string; token?: string | undefined }>, options?: StreamOptions): Stream {
    return new Stream(this.#caller, mailboxes, options)
  }

  /** The domains of addresses, and the SMTP server that takes mail for them. */
  domains(options?: CallOptions): Promise<DomainList> {
    return this.#caller.json("GET", "domains", options)
  }
}

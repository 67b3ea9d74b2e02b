/** A client of fake-email: temporary mailboxes for tests and browser pages. */
export { NoMail, Problem, Unexpected } from "./errors.ts"
export { Mail, type MailOptions } from "./mail.ts"
export { Mailbox } from "./mailbox.ts"
export { Stream, type StreamEvent, type StreamOptions, type StreamState } from "./stream.ts"
export type * from "./types.ts"

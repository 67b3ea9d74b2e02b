/** The calls and the stream alone, for a browser page that counts its bytes: it waits for no mail. */
export { Caller, type CallerOptions, type Request } from "./caller.ts"
export { Problem } from "./errors.ts"
export { Stream, type StreamEvent, type StreamOptions, type StreamState } from "./stream.ts"
export type * from "./types.ts"

// The names of the examples that an empty mailbox offers; their lines, in examples.ts, are loaded when one is chosen.

export const EXAMPLES = ["send", "curl", "pytest", "playwright"] as const
export type Example = (typeof EXAMPLES)[number]

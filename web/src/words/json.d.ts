// The words of a language in two pieces of one file: a module of its own for each, so that the first view has only the first.

declare module "*.json?first" {
  export const first: (typeof import("./en.json"))["first"]
}

declare module "*.json?later" {
  export const later: (typeof import("./en.json"))["later"]
}

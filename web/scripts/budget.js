// Fail when the built page is larger than its budget. Sizes are those after gzip, as a browser loads the files.

import { readFileSync, readdirSync } from "node:fs"
import { gzipSync } from "node:zlib"

const BUDGET = { js: 40_000, css: 8_000 }
const directory = `${process.env.OUT ?? "dist"}/assets`

for (const [kind, most] of Object.entries(BUDGET)) {
  const files = readdirSync(directory).filter((name) => name.endsWith(`.${kind}`))
  const sum = files.reduce((all, name) => all + gzipSync(readFileSync(`${directory}/${name}`)).length, 0)
  console.log(`${kind}: ${sum} of ${most} bytes`)
  if (sum > most) process.exitCode = 1
}

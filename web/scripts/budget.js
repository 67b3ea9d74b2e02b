// Fail when the built page is larger than its budget. Sizes are those after gzip, as a browser loads the files.

import { readFileSync, readdirSync } from "node:fs"
import { gzipSync } from "node:zlib"

// The first view is what index.html names; the other parts are loaded when they are asked for.
const FIRST_VIEW = { js: 40_000, css: 8_000, all: 100_000 }
const ALL = { js: 65_000, css: 16_000 }
const directory = process.env.OUT ?? "dist"

/** @param {string} path */
const size = (path) => gzipSync(readFileSync(`${directory}/${path}`)).length

/** @param {string[]} paths @param {string} kind */
const sum = (paths, kind) =>
  paths.filter((path) => kind === "all" || path.endsWith(`.${kind}`)).reduce((all, path) => all + size(path), 0)

const page = readFileSync(`${directory}/index.html`, "utf8")
const named = [...page.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((found) => /** @type {string} */ (found[1]))
const built = readdirSync(`${directory}/assets`).map((name) => `assets/${name}`)

for (const [what, budget, paths] of /** @type {const} */ ([
  ["first view", FIRST_VIEW, ["index.html", ...named]],
  ["all parts", ALL, built],
])) {
  for (const [kind, most] of Object.entries(budget)) {
    const found = sum(paths, kind)
    console.log(`${what}, ${kind}: ${found} of ${most} bytes`)
    if (found > most) process.exitCode = 1
  }
}

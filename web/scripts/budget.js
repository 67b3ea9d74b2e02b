// Fail when the inbox is larger than its budget, or when a page names a host or a font to load from. Sizes are those after
// gzip, as a browser loads the files.

import { readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"

// index.html names what the first view needs, but for the words of other languages than English. The other parts of the
// inbox are loaded when they are asked for.
const FIRST_VIEW = { js: 40_000, css: 8_000, all: 100_000 }
const ALL_PARTS = { js: 65_000, css: 16_000 }
const out = process.env["OUT"] ?? "dist"
const names = readdirSync(out, { recursive: true, encoding: "utf8" })
const text = (/** @type {string} */ name) => readFileSync(join(out, name), "utf8")
const zipped = (/** @type {Iterable<string>} */ files) =>
  [...files].reduce((sum, name) => sum + gzipSync(readFileSync(join(out, name))).length, 0)
const assets = names.filter((name) => /^assets\/.*\.(?:js|css|svg)$/.test(name))

/** The files that a file names, and those that these name. */
function loaded(/** @type {string} */ name, /** @type {Set<string>} */ found = new Set()) {
  const content = text(name)
  for (const asset of assets) {
    if (found.has(asset) || !content.includes(asset.replace("assets/", ""))) continue
    found.add(asset)
    loaded(asset, found)
  }
  return found
}

function hold(/** @type {string} */ what, /** @type {number} */ size, /** @type {number} */ most) {
  console.log(`${what}: ${size} of ${most} bytes`)
  if (size > most) process.exitCode = 1
}

const ofKind = (/** @type {string[]} */ files, /** @type {string} */ kind) =>
  files.filter((name) => kind === "all" || name.endsWith(`.${kind}`))

const first = ["index.html", "icon.svg", ...assets.filter((name) => text("index.html").includes(name))]
const words = assets.filter((name) => /words-\w+-first/.test(name)).map((name) => zipped([name]))
for (const [kind, most] of Object.entries(FIRST_VIEW)) {
  hold(`first view, ${kind}`, zipped(ofKind(first, kind)), most)
}
hold("first view in another language, js", zipped(ofKind(first, "js")) + Math.max(...words), FIRST_VIEW.js)
for (const [kind, most] of Object.entries(ALL_PARTS)) {
  hold(`all of the inbox, ${kind}`, zipped(ofKind([...loaded("index.html")], kind)), most)
}

const fonts = names.filter(
  (name) => /\.(?:woff2?|ttf|otf|eot)$/.test(name) || (name.endsWith(".css") && /@font-face/.test(text(name))),
)
const foreign = names
  .filter((name) => /\.(?:html|css)$/.test(name))
  .flatMap((name) =>
    [
      ...text(name).matchAll(
        /(?:<(?!a\b)[a-z]+\b[^>]*\s(?:src|href)=["']|url\(["']?|@import ["'])((?:https?:)?\/\/[^"')\s>]+)/g,
      ),
    ].map(([, url]) => `${name} loads ${url}`),
  )
for (const wrong of [...fonts.map((name) => `${name} is a font`), ...foreign]) {
  console.error(wrong)
  process.exitCode = 1
}

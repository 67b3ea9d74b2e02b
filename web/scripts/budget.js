// Fail when the inbox is larger than its budget, or when a page names a host or a font to load from. Sizes are those after
// gzip, as a browser loads the files.

import { readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"

const BUDGET = { js: 40_000, css: 8_000 }
const FIRST_VIEW = 100_000
const out = process.env["OUT"] ?? "dist"
const names = readdirSync(out, { recursive: true, encoding: "utf8" })
const text = (/** @type {string} */ name) => readFileSync(join(out, name), "utf8")
const zipped = (/** @type {Iterable<string>} */ files) =>
  [...files].reduce((sum, name) => sum + gzipSync(readFileSync(join(out, name))).length, 0)
const assets = names.filter((name) => /^assets\/.*\.(?:js|css|svg)$/.test(name))

function hold(/** @type {string} */ what, /** @type {number} */ size, /** @type {number} */ most) {
  console.log(`${what}: ${size} of ${most} bytes`)
  if (size > most) process.exitCode = 1
}

// The build puts all that the first view needs into the files that index.html names; other parts load when asked for.
const page = text("index.html")
const ofInbox = assets.filter((name) => page.includes(name))
for (const [kind, most] of Object.entries(BUDGET)) {
  hold(`${kind} of the inbox`, zipped(ofInbox.filter((name) => name.endsWith(`.${kind}`))), most)
}
hold("the first view", zipped(["index.html", "icon.svg", ...ofInbox]), FIRST_VIEW)

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

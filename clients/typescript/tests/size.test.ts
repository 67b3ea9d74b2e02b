/** The size of the client in a browser page. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { gzipSync } from "node:zlib"

import { build } from "esbuild"

const MOST_BYTES = { index: 5000, calls: 2700 }

for (const [entry, most] of Object.entries(MOST_BYTES)) {
  test(`${entry} has at most ${most} bytes, minified and compressed`, async () => {
    const { outputFiles } = await build({
      entryPoints: [`src/${entry}.ts`],
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      write: false,
    })
    const bytes = gzipSync(outputFiles[0]!.contents).length
    assert(bytes <= most, `${bytes} bytes`)
  })
}

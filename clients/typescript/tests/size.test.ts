/** The size of the client in a browser page. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { gzipSync } from "node:zlib"

import { build } from "esbuild"

const MOST_BYTES = 5000

test("the client has at most 5 kB, minified and compressed", async () => {
  const { outputFiles } = await build({
    entryPoints: ["src/index.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  })
  const bytes = gzipSync(outputFiles[0]!.contents).length
  assert(bytes <= MOST_BYTES, `${bytes} bytes`)
})

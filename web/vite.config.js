// The build: the page in dist/, or in OUT; beside it headers.json, and on Vercel the files that Vercel reads.

import { cpSync, mkdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { svelte } from "@sveltejs/vite-plugin-svelte"
import { defineConfig } from "vite"
import { headers } from "./headers.js"

const LOCAL_API = "http://localhost:3001"
const YEAR = "public, max-age=31536000, immutable"
const out = resolve(process.env.OUT ?? "dist")
const api = origin(process.env.VITE_API_URL || LOCAL_API)

/** @param {string} url */
function origin(url) {
  try {
    return new URL(url).origin
  } catch {
    throw new Error(`VITE_API_URL: ${url} is not the URL of an API, such as https://api.example.org`)
  }
}

/**
 * True for a module that the entry imports, directly or not, without `import()`.
 * @param {string} id
 * @param {(id: string) => { isEntry: boolean, importers: string[] } | null} about
 * @param {Set<string>} seen
 * @returns {boolean}
 */
function isFirstView(id, about, seen = new Set()) {
  const module = about(id)
  if (!module || seen.has(id)) return false
  seen.add(id)
  return module.isEntry || module.importers.some((each) => isFirstView(each, about, seen))
}

/** @returns {import("vite").Plugin} */
function deployed() {
  return {
    name: "deployed",
    closeBundle() {
      writeFileSync(`${out}.headers.json`, `${JSON.stringify(headers(api), null, 2)}\n`)
      if (!process.env.VERCEL) return
      // vercel.com/docs/build-output-api: only a file that the build writes can have the API's origin in it.
      const vercel = resolve(out, "../../.vercel/output")
      mkdirSync(vercel, { recursive: true })
      cpSync(out, `${vercel}/static`, { recursive: true })
      const routes = [
        { src: "/assets/(.*)", headers: { "Cache-Control": YEAR }, continue: true },
        { src: "/(.*)", headers: headers(api), continue: true },
        { handle: "filesystem" },
      ]
      writeFileSync(`${vercel}/config.json`, JSON.stringify({ version: 3, routes }))
    },
  }
}

export default defineConfig({
  plugins: [svelte(), deployed()],
  define: { "import.meta.env.VITE_API_URL": JSON.stringify(api) },
  build: {
    outDir: out,
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    // The polyfill is for browsers that cannot show the page.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // One file for all that the first view needs is smaller than many.
        codeSplitting: {
          groups: [
            {
              debugName: "page",
              name: (id, chunks) => (isFirstView(id, (each) => chunks.getModuleInfo(each)) ? "page" : null),
            },
          ],
        },
      },
    },
  },
  server: { port: 5173, strictPort: true },
})

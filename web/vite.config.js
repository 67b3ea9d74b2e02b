// The build in dist/, or in OUT: `vite build` makes the inbox, and `vite build --mode site` adds the other pages, whose
// programs are apart, so that the inbox is not larger for them.

import { resolve } from "node:path"
import { svelte } from "@sveltejs/vite-plugin-svelte"
import { defineConfig } from "vite"
import { entries, site } from "./site/plugin.js"
import { settings } from "./site/settings.js"

const out = resolve(process.env["OUT"] ?? "dist")
const built = settings(process.env)

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

/** One file for all that the first view needs is smaller than many. */
const inOneFile = {
  debugName: "page",
  /** @type {import("vite").Rolldown.CodeSplittingNameFunction} */
  name: (id, chunks) => (isFirstView(id, (each) => chunks.getModuleInfo(each)) ? "page" : null),
}

export default defineConfig(({ mode, command }) => ({
  plugins: [...(mode === "site" || command === "serve" ? [site(built, out)] : []), svelte()],
  define: { "import.meta.env.VITE_API_URL": JSON.stringify(built.api) },
  build: {
    outDir: out,
    emptyOutDir: mode !== "site",
    target: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    // The polyfill is for browsers that cannot show the page.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // A slow machine is no reason for a warning.
      checks: { bundlerTimings: false, pluginTimings: false },
      ...(mode === "site" ? { input: entries(built) } : { output: { codeSplitting: { groups: [inOneFile] } } }),
    },
  },
  server: { port: 5173, strictPort: true },
}))

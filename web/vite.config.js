// The build in dist/, or in OUT: `vite build` makes the inbox, and `vite build --mode site` adds the other pages, whose
// programs are apart, so that the inbox is not larger for them.

import { resolve } from "node:path"
import { svelte } from "@sveltejs/vite-plugin-svelte"
import { defineConfig } from "vite"
import { entries, site } from "./site/plugin.js"
import { settings } from "./site/settings.js"
import { fileName, words } from "./words.js"

const out = resolve(process.env["OUT"] ?? "dist")
const built = settings(process.env)

/** One file for all that the first view needs is smaller than many. */
const inOneFile = { name: "page", tags: /** @type {["$initial"]} */ (["$initial"]) }
/** So is one for the open message and the dialogs, which the page loads soon after; but for what holds a library. */
const later = { name: "later", test: /web\/src\/(?:parts|state)\/(?!QrCode|qr|archive)/ }

export default defineConfig(({ mode, command }) => ({
  plugins: [...(mode === "site" || command === "serve" ? [site(built, out)] : []), words(), svelte()],
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
      // Svelte marks its effects with numbers that have names.
      optimization: { inlineConst: { mode: "all" } },
      ...(mode === "site"
        ? { input: entries(built) }
        : { output: { codeSplitting: { groups: [inOneFile, later] }, chunkFileNames: fileName } }),
    },
  },
  server: { port: 5173, strictPort: true },
}))

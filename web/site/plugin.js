// For Vite: the pages beside the inbox as entries that no file has, and the files that are made with the build's settings.

import { cpSync, mkdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { rules, vercelConfig } from "../headers.js"
import { llms } from "./guides.js"
import { pages, securityTxt } from "./pages.js"

const ROOT = resolve(import.meta.dirname, "..")
const fileOf = (/** @type {string} */ path) => resolve(ROOT, `.${path}.html`)

export const entries = (/** @type {import("./pages.js").Settings} */ settings) =>
  [...pages(settings).keys()].map(fileOf)

/** @returns {import("vite").Plugin} */
export function site(/** @type {import("./pages.js").Settings} */ settings, /** @type {string} */ out) {
  const html = () => new Map([...pages(settings)].map(([path, text]) => [fileOf(path), text]))
  const known = html()
  return {
    name: "site",
    enforce: "pre",
    resolveId: (id) => (known.has(id) ? id : null),
    load: (id) => known.get(id) ?? null,
    generateBundle() {
      const text = securityTxt(settings.contact)
      if (text) this.emitFile({ type: "asset", fileName: ".well-known/security.txt", source: text })
      this.emitFile({ type: "asset", fileName: "llms.txt", source: llms() })
    },
    closeBundle() {
      // Of unknown paths, not a path itself.
      const paths = [...pages(settings).keys()].filter((path) => path !== "/404")
      writeFileSync(`${out}.site.json`, `${JSON.stringify({ pages: paths, rules: rules(settings.api) }, null, 2)}\n`)
      if (!process.env["VERCEL"]) return
      // vercel.com/docs/build-output-api: only a file that the build writes can have the API's origin in it.
      const vercel = resolve(out, "../../.vercel/output")
      mkdirSync(vercel, { recursive: true })
      cpSync(out, `${vercel}/static`, { recursive: true })
      writeFileSync(`${vercel}/config.json`, JSON.stringify(vercelConfig(settings.api, paths)))
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = (request.url ?? "").replace(/[?#].*/s, "")
        const text = html().get(fileOf(path))
        if (!text) return next()
        void server
          .transformIndexHtml(path, text)
          .then((page) => response.setHeader("Content-Type", "text/html").end(page), next)
      })
    },
  }
}

// For Vite: `en.json?first` is the group `first` of a file of words, as a module of its own.

import { readFileSync } from "node:fs"

/** @returns {import("vite").Plugin} */
export function words() {
  return {
    name: "words",
    enforce: "pre",
    load: {
      filter: { id: /\.json\?\w+$/ },
      handler(id) {
        const [file = "", group = ""] = id.split("?")
        this.addWatchFile(file)
        const groups = /** @type {Record<string, unknown>} */ (JSON.parse(readFileSync(file, "utf8")))
        return { code: `export const ${group} = ${JSON.stringify(groups[group])}`, moduleType: "js" }
      },
    },
  }
}

/** The name of a built file; those of words tell their language and group. */
export function fileName(/** @type {{ facadeModuleId: string | null }} */ { facadeModuleId }) {
  const [, language, group] = /(\w+)\.json\?(\w+)$/.exec(facadeModuleId ?? "") ?? []
  return `assets/${language ? `words-${language}-${group}` : "[name]"}-[hash].js`
}

// The guides: the Markdown files of docs/ and of the client libraries as HTML, linked among each other.

import { existsSync, readFileSync, readdirSync } from "node:fs"
import { join, posix, resolve } from "node:path"
import MarkdownIt from "markdown-it"

const ROOT = resolve(import.meta.dirname, "../..")
/** @type {Record<string, string[]>} The order of what a reader looks for; a file that is not named here comes last. */
const GROUPS = {
  "Use it": ["api", "frontend", "python", "typescript", "cli", "reading"],
  "Run it": ["deploy", "vercel", "scaling", "operations", "logs", "releasing"],
  "How it works": ["architecture", "reliability", "security", "performance"],
}
const REST = "More"
/** @type {Record<string, string>} The titles of READMEs, which are the names of packages. */
const TITLES = { python: "Python client", typescript: "TypeScript client" }

/**
 * @typedef {{ slug: string, file: string, group: string, title: string, about: string, html: string,
 *   sections: { id: string, title: string }[], anchors: Set<string> }} Guide
 * @typedef {import("markdown-it").Token} Token
 */

/** The guides by group. Markup within Markdown is shown as text. A link that leads nowhere fails the build. */
export function guides(/** @type {string} */ sourceUrl) {
  const files = found()
  const all = [...files].map(([slug, file]) => read(slug, file, files, sourceUrl))
  const missing = all.flatMap(({ file, html }) =>
    [...html.matchAll(/href="\/docs\/([^"#]+)#([^"]+)"/g)]
      .filter(
        ([, slug, anchor]) => !all.find((each) => each.slug === slug)?.anchors.has(decodeURIComponent(anchor ?? "")),
      )
      .map(([link]) => `${file}: ${link} is the link of no section`),
  )
  if (missing.length) throw new Error(missing.join("\n"))
  const place = (/** @type {Guide} */ { slug, group }) =>
    [...Object.keys(GROUPS), REST].indexOf(group) * 100 + (GROUPS[group] ?? []).indexOf(slug)
  return all.sort((one, other) => place(one) - place(other))
}

/** @returns {Map<string, string>} the file of each guide, by its name in the URL */
function found() {
  const docs = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"))
  const clients = readdirSync(join(ROOT, "clients"), { withFileTypes: true }).filter(
    (each) => each.isDirectory() && existsSync(join(ROOT, "clients", each.name, "README.md")),
  )
  return new Map([
    ...docs.map((name) => /** @type {const} */ ([name.replace(/\.md$/, ""), `docs/${name}`])),
    ...clients.map(({ name }) => /** @type {const} */ ([name, `clients/${name}/README.md`])),
  ])
}

/** @returns {Guide} */
function read(
  /** @type {string} */ slug,
  /** @type {string} */ file,
  /** @type {Map<string, string>} */ files,
  /** @type {string} */ sourceUrl,
) {
  const slugs = new Map([...files].map(([name, path]) => [path, name]))
  const target = (/** @type {string} */ href) => {
    if (/^(?:https?:|mailto:|#)/.test(href)) return href
    const [path = "", anchor] = href.split("#")
    const linked = posix.normalize(posix.join(posix.dirname(file), path))
    const name = slugs.get(linked)
    if (name) return `/docs/${name}${anchor ? `#${anchor}` : ""}`
    return sourceUrl ? `${sourceUrl}/${linked}` : undefined
  }
  const titleOf = (/** @type {string} */ path) => {
    const linked = posix.normalize(posix.join(posix.dirname(file), path))
    const name = slugs.get(linked)
    return name && (TITLES[name] ?? /^# (.*)$/m.exec(readFileSync(join(ROOT, linked), "utf8"))?.[1])
  }
  const tokens = markdown.parse(readFileSync(join(ROOT, file), "utf8"), {})
  const known = new Set()
  const sections = []
  for (const [at, token] of tokens.entries()) {
    if (token.type === "heading_open") {
      const title = plain(tokens[at + 1])
      const id = anchor(title, known)
      token.attrSet("id", id)
      token.meta = { id, title }
      if (token.tag === "h2") sections.push({ id, title })
    }
    // The corner of a table of two directions heads nothing.
    if (token.type.startsWith("th_") && !tokens[at + (token.nesting > 0 ? 1 : -1)]?.content) token.tag = "td"
    if (token.type === "inline") follow(token, target, titleOf)
  }
  const [heading, ...body] = [tokens.slice(0, 3), ...tokens.slice(3)]
  const first = tokens.find((token, at) => token.type === "inline" && tokens[at - 1]?.type === "paragraph_open")
  return {
    slug,
    file,
    group: Object.keys(GROUPS).find((group) => GROUPS[group]?.includes(slug)) ?? REST,
    title: TITLES[slug] ?? plain(heading[1]),
    about:
      plain(first)
        .match(/^.*?[.:](?=\s|$)/s)?.[0]
        .replace(/:$/, ".") ?? plain(first),
    html: markdown.renderer.render(body, markdown.options, {}),
    sections,
    anchors: known,
  }
}

/** Give each link its target on this site, and leave out what has none. */
function follow(
  /** @type {Token} */ inline,
  /** @type {(href: string) => string | undefined} */ target,
  /** @type {(path: string) => string | undefined} */ titleOf,
) {
  let isDropped = false
  for (const token of inline.children ?? []) {
    if (token.type === "link_open") {
      const href = target(String(token.attrGet("href")))
      isDropped = href === undefined
      if (href === undefined) token.attrs = null
      else token.attrSet("href", href)
      if (href?.startsWith("http")) token.attrSet("rel", "noopener noreferrer")
    }
    if (isDropped && token.type.startsWith("link_")) token.tag = "span"
    // A reader of this site sees no files.
    if (token.type === "text" && /^[\w/.-]+\.md$/.test(token.content))
      token.content = titleOf(token.content) ?? token.content
  }
}

const plain = (/** @type {Token | undefined} */ inline) =>
  (inline?.children ?? []).map(({ type, content }) => (type === "softbreak" ? " " : content)).join("")

/** The anchor of a heading as GitHub makes it. */
function anchor(/** @type {string} */ title, /** @type {Set<string>} */ known) {
  const name = title
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-")
  let id = name
  for (let n = 1; known.has(id); n++) id = `${name}-${n}`
  known.add(id)
  return id
}

const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false })
const { rules } = markdown.renderer
const escape = markdown.utils.escapeHtml

rules["table_open"] = () => '<div class="table" role="group" aria-label="Table" tabindex="0"><table>'
rules["table_close"] = () => "</table></div>"
rules["heading_close"] = (/** @type {Token[]} */ tokens, /** @type {number} */ at) => {
  const { id, title } = tokens[at - 2]?.meta ?? {}
  return ` <a class="anchor" href="#${id}" aria-label="${escape(`Link to ${title}`)}">#</a></${tokens[at]?.tag}>\n`
}
rules["fence"] = rules["code_block"] = (/** @type {Token[]} */ tokens, /** @type {number} */ at) =>
  `<pre tabindex="0"><code>${shell(tokens[at]?.content ?? "")}</code></pre>\n`

/** Commands stand out from what they print. */
function shell(/** @type {string} */ text) {
  let isCommand = false
  const lines = text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => {
      const goesOn = isCommand
      const begins = line.startsWith("$ ")
      isCommand = (goesOn || begins) && /[\\|[]$/.test(line)
      if (begins) return `<b class="command">${escape(line.slice(2))}</b>`
      return goesOn ? `<b class="more">${escape(line)}</b>` : escape(line)
    })
  return lines.join("\n")
}

/** docs/llms.txt, whose links lead to the guides. */
export const llms = () => readFileSync(join(ROOT, "docs/llms.txt"), "utf8").replace(/\]\((\w+)\.md\)/g, "](/docs/$1)")

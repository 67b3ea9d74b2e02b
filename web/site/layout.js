// The frame of every page but the inbox: head, the way to the other pages, and the foot.

const LINKS = [
  ["/docs", "Docs"],
  ["/docs/reference", "API reference"],
  ["/about", "About"],
  ["/privacy", "Privacy"],
]

/**
 * @typedef {object} Page
 * @property {string} path the path in the URL
 * @property {string} title plain text
 * @property {string} [about] plain text, for search engines
 * @property {string} main HTML
 * @property {string} [aside] HTML beside it
 * @property {string} [script] the source file of its program, else that of pages without one
 * @property {boolean} [isHidden] true for pages that no search engine should list
 */

/** The HTML of a page, as Vite takes it. */
export function document(/** @type {Page} */ { path, title, about, main, aside, script, isHidden }) {
  const links = LINKS.map(([href, name]) => `<a href="${href}"${current(path, href ?? "")}>${name}</a>`).join(
    "\n        ",
  )
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />${about ? `\n    <meta name="description" content="${escape(about)}" />` : ""}${
      isHidden ? '\n    <meta name="robots" content="noindex" />' : ""
    }
    <link rel="icon" href="/icon.svg" type="image/svg+xml" />
    <title>${escape(title)} · fake-email</title>
    <link rel="stylesheet" href="/src/site/site.css" />
    <script type="module" src="${script ?? "/src/site/main.ts"}"></script>
  </head>
  <body class="site">
    <a class="skip" href="#main">Skip to the content</a>
    <header class="head" lang="en">
      <a class="logo" href="/" aria-label="fake-email, the mailbox">fake<i>·</i>email</a>
      <nav aria-label="Pages">
        ${links}
      </nav>
      <a class="button" href="/">Open the mailbox</a>
    </header>
    <div class="body${aside ? " beside" : ""}">
      ${aside ?? ""}
      <main id="main">
${main}
      </main>
    </div>
  </body>
</html>
`
}

/** The list of all guides. */
export function contents(/** @type {import("./guides.js").Guide[]} */ guides, /** @type {string} */ path) {
  const item = (/** @type {string} */ href, /** @type {string} */ name) =>
    `<li><a href="${href}"${current(path, href)}>${escape(name)}</a></li>`
  const groups = [...new Set(guides.map(({ group }) => group))].map(
    (group) =>
      `<h2>${group}</h2><ul>${guides
        .filter((each) => each.group === group)
        .map(
          ({ slug, title, sections }) =>
            item(`/docs/${slug}`, title) + (path === `/docs/${slug}` ? within(sections) : ""),
        )
        .join("")}</ul>`,
  )
  return `<nav class="contents" aria-label="Guides">
        <details open><summary>Guides</summary>
        <ul>${item("/docs", "Overview")}${item("/docs/reference", "API reference")}</ul>
        ${groups.join("\n        ")}
        </details>
      </nav>`
}

const within = (/** @type {{ id: string, title: string }[]} */ sections) =>
  sections.length
    ? `<li><ul>${sections.map(({ id, title }) => `<li><a href="#${id}">${escape(title)}</a></li>`).join("")}</ul></li>`
    : ""

const current = (/** @type {string} */ path, /** @type {string} */ href) =>
  path === href ? ' aria-current="page"' : ""

export const escape = (/** @type {string} */ text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

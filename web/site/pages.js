// All pages but the inbox, by the path in their URL.

import { readFileSync } from "node:fs"
import MarkdownIt from "markdown-it"
import { guides } from "./guides.js"
import { contents, document, escape } from "./layout.js"

const LANGUAGES = ["en", "de"]
const markdown = new MarkdownIt({ html: false })

/**
 * @typedef {object} Settings
 * @property {string} api the origin of the API
 * @property {string} contact the URL of a person to tell of abuse and of holes, or ""
 * @property {string} sourceUrl the URL of the files of this repository, or ""
 */

/** @returns {Map<string, string>} the HTML of each path, as Vite takes it */
export function pages(/** @type {Settings} */ settings) {
  const all = guides(settings.sourceUrl)
  const made = [
    ...all.map((guide) => ({
      path: `/docs/${guide.slug}`,
      title: guide.title,
      about: guide.about,
      main: `<article><h1>${escape(guide.title)}</h1>\n${guide.html}</article>`,
      aside: contents(all, `/docs/${guide.slug}`),
    })),
    {
      path: "/docs",
      title: "Docs",
      about: "How to use, run and understand fake-email.",
      main: overview(all),
      aside: contents(all, "/docs"),
    },
    {
      path: "/docs/reference",
      title: "API reference",
      about: "All calls of the API with their parameters, responses and errors.",
      main: '<div id="reference"><h1>API reference</h1><p role="status">Loading…</p></div>',
      aside: contents(all, "/docs/reference"),
      script: "/src/reference/main.ts",
    },
    spoken("about", "About", settings),
    spoken("privacy", "Privacy", settings),
    {
      path: "/share",
      title: "Shared mail",
      isHidden: true,
      main: '<div id="share"><noscript>This page needs JavaScript.</noscript></div>',
      script: "/src/share/main.ts",
    },
    {
      path: "/404",
      title: "Not found",
      isHidden: true,
      main: `<article class="nothing"><h1>There is no such page</h1>
        <p>The <a href="/">mailbox</a> is here, and the <a href="/docs">documentation</a> is there.</p></article>`,
    },
  ]
  return new Map(made.map((page) => [page.path, document(page)]))
}

/** A page in each language; a program shows the one that the reader wants. */
function spoken(/** @type {string} */ name, /** @type {string} */ title, /** @type {Settings} */ settings) {
  const articles = LANGUAGES.map((language) => {
    const text = readFileSync(new URL(`./${name}.${language}.md`, import.meta.url), "utf8")
    return `<article lang="${language}" class="spoken">${markdown.render(filled(text, language, settings))}</article>`
  })
  const about = {
    about: "A temporary mailbox: what it is, and whom to tell of abuse.",
    privacy: "What is kept, where, and for how long.",
  }[name]
  return { path: `/${name}`, title, ...(about ? { about } : {}), main: articles.join("\n") }
}

function filled(/** @type {string} */ text, /** @type {string} */ language, /** @type {Settings} */ { api, contact }) {
  const shown = contact.replace(/^mailto:/, "")
  const write = language === "de" ? "Schreiben Sie an" : "Write to"
  // RFC 2142; smtp-ingest takes mail to it at each of its domains.
  const operator = language === "de" ? "`abuse@` und die Domain der Adresse" : "`abuse@` and the domain of the address"
  return text
    .replaceAll("{api}", `\`${new URL(api).host}\``)
    .replaceAll("{security}", hole(language, Boolean(contact)))
    .replaceAll("{contact}", `${write} ${contact ? `[${shown}](${contact})` : operator}.`)
}

/** Where somebody finds how to tell of a hole; without a contact there is no security.txt. */
function hole(/** @type {string} */ language, /** @type {boolean} */ hasContact) {
  const file = "[security.txt](/.well-known/security.txt)"
  return language === "de"
    ? `Für Sicherheitslücken: ${hasContact ? `${file} und ` : ""}[was versprochen ist](/docs/security) (auf Englisch).`
    : `On holes in the security: ${hasContact ? `${file} and ` : ""}[what is promised](/docs/security).`
}

function overview(/** @type {import("./guides.js").Guide[]} */ all) {
  const groups = [...new Set(all.map(({ group }) => group))].map((group) => {
    const cards = all
      .filter((each) => each.group === group)
      .map(
        ({ slug, title, about }) =>
          `<li><a href="/docs/${slug}"><b>${escape(title)}</b> <span>${escape(about)}</span></a></li>`,
      )
    return `<h2>${group}</h2><ul class="cards">${cards.join("")}</ul>`
  })
  return `<article><h1>Docs</h1>
    <p class="lead">Three calls are enough: make an address, wait for the code, read the rest.</p>
    <pre tabindex="0"><code><b class="command">curl -X POST $API/api/temporary-address</b>
{"temp_email_addr":"t2hc6cmyr34i44v7@example.org",…}
<b class="command">ADDRESS=t2hc6cmyr34i44v7@example.org</b>
<b class="command">curl -H 'Accept: text/plain' "$API/api/inbox/wait?address=$ADDRESS&amp;has=code"</b>
482913</code></pre>
    <p>The <a href="/docs/reference">API reference</a> has every call, parameter, field and code. Programs read
    <a href="/llms.txt">llms.txt</a>.</p>
    ${groups.join("\n    ")}</article>`
}

/** RFC 9116: it needs a contact and ends within a year, so without a contact there is none. */
export function securityTxt(/** @type {string} */ contact, now = new Date()) {
  const expires = new Date(now.getTime() + 330 * 24 * 3_600_000)
  return (
    contact &&
    `Contact: ${contact}\nExpires: ${expires.toISOString().replace(/\.\d+/, "")}\nPreferred-Languages: en, de\n`
  )
}

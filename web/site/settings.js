// The settings of the build, from its environment; docs/vercel.md describes each.

const LOCAL_API = "http://localhost:3001"
// RFC 2606: no host has such a name, so the page finds no API there, and says what to set.
const NOT_SET = "https://vite-api-url-is-not-set.invalid"
const WRONG = "https://vite-api-url-is-wrong.invalid"

/**
 * The settings of a build.
 *
 * @param {Record<string, string | undefined>} environment
 * @returns {import("./pages.js").Settings}
 */
export function settings(environment) {
  const { VITE_API_URL: url, VERCEL: vercel, CONTACT: contact = "" } = environment
  return {
    // On Vercel nothing listens at localhost.
    api: url ? origin(url) : vercel ? NOT_SET : LOCAL_API,
    contact: contact && contactUrl(contact),
    sourceUrl: sourceUrl(environment),
  }
}

function origin(/** @type {string} */ given) {
  const url = given.includes("://") ? given : `https://${given}`
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed && /^https?:$/.test(parsed.protocol)) return parsed.origin
  console.warn(`VITE_API_URL: ${given} is not the URL of an API, such as https://api.example.org`)
  return WRONG
}

/** A person as a URL; an address of mail becomes one. */
function contactUrl(/** @type {string} */ given) {
  const url = given.includes(":") ? given : `mailto:${given}`
  if (!/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/.test(url)) {
    throw new Error(`CONTACT: ${given} is neither an address of mail nor a URL that begins with https://`)
  }
  return url
}

function sourceUrl(/** @type {Record<string, string | undefined>} */ environment) {
  if (environment["SOURCE_URL"]) return environment["SOURCE_URL"].replace(/\/$/, "")
  // vercel.com/docs/environment-variables/system-environment-variables
  const { VERCEL_GIT_PROVIDER: provider, VERCEL_GIT_REPO_OWNER: owner, VERCEL_GIT_REPO_SLUG: name } = environment
  const commit = environment["VERCEL_GIT_COMMIT_SHA"]
  return provider === "github" && owner && name && commit ? `https://github.com/${owner}/${name}/blob/${commit}` : ""
}

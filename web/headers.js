// The header fields of every response with the page, for Vercel and for the server of `make run`.

// Such a path tells no type, and with `nosniff` a browser would guess none.
const HTML = "text/html; charset=utf-8"
const YEAR = "public, max-age=31536000, immutable"

/**
 * The header fields of each path: those of every rule whose expression matches the whole path, a later rule over an earlier one.
 *
 * @param {string} api the origin of the API
 * @returns {{ path: string, headers: Record<string, string> }[]}
 */
export function rules(api) {
  return [
    { path: "/.*", headers: { ...headers(api), "Cache-Control": "no-cache" } },
    { path: "/assets/.*", headers: { "Cache-Control": YEAR } },
    // The ticket in its URL opens mail: no search engine lists it.
    { path: "/share", headers: { "X-Robots-Tag": "noindex" } },
  ]
}

/** The configuration of Vercel's Build Output API, with the pages at paths without `.html`. */
export function vercelConfig(/** @type {string} */ api, /** @type {string[]} */ paths) {
  return {
    version: 3,
    routes: [
      ...rules(api).map(({ path, headers }) => ({ src: `^${path}$`, headers, continue: true })),
      { src: `^(${paths.join("|")})/$`, status: 308, headers: { Location: "$1" } },
      { handle: "filesystem" },
      { handle: "error" },
      { src: "^/.*$", status: 404, dest: "/404.html" },
    ],
    overrides: Object.fromEntries(
      paths.map((path) => [`${path.slice(1)}.html`, { path: path.slice(1), contentType: HTML }]),
    ),
  }
}

/** @returns {Record<string, string>} */
function headers(/** @type {string} */ api) {
  const policy = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": api,
    "frame-src": api,
    "img-src": `'self' data: ${api}`,
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "svelte-trusted-html",
  }
  return {
    "Content-Security-Policy": Object.entries(policy)
      .map(([name, sources]) => `${name} ${sources}`)
      .join("; "),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
  }
}

import { expect, test } from "vitest"
import { settings } from "../site/settings.js"

test("an API is named with or without its scheme and path", () => {
  for (const url of ["https://api.example.org", "api.example.org", "https://api.example.org/api/"]) {
    expect(settings({ VITE_API_URL: url }).api).toBe("https://api.example.org")
  }
})

test("an API that is not named is that of make run, and on Vercel one that cannot be", () => {
  expect(settings({}).api).toBe("http://localhost:3001")
  expect(settings({ VERCEL: "1" }).api).toBe("https://vite-api-url-is-not-set.invalid")
  expect(settings({ VITE_API_URL: "javascript://x" }).api).toBe("https://vite-api-url-is-wrong.invalid")
})

test("a contact is an address or a URL", () => {
  expect(settings({ CONTACT: "abuse@example.org" }).contact).toBe("mailto:abuse@example.org")
  expect(settings({ CONTACT: "https://example.org/abuse" }).contact).toBe("https://example.org/abuse")
  expect(() => settings({ CONTACT: "javascript:alert(1)" })).toThrow("CONTACT")
})

test("files of the repository are linked at the commit that Vercel builds", () => {
  const vercel = { VERCEL_GIT_PROVIDER: "github", VERCEL_GIT_REPO_OWNER: "ann", VERCEL_GIT_REPO_SLUG: "mail" }

  expect(settings({ ...vercel, VERCEL_GIT_COMMIT_SHA: "5034738" }).sourceUrl).toBe(
    "https://github.com/ann/mail/blob/5034738",
  )
  expect(settings({ SOURCE_URL: "https://git.example/mail/" }).sourceUrl).toBe("https://git.example/mail")
})

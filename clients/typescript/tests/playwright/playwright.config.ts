/** Runs the example of the README in the browser of this machine, and tests that fail, against the shop. */
import { defineConfig } from "@playwright/test"

const port = Number(process.env.SHOP_PORT)

export default defineConfig({
  testMatch: "*.spec.ts",
  fullyParallel: true,
  workers: 2,
  // Of a busy machine.
  timeout: 90_000,
  expect: { timeout: 30_000 },
  reporter: [["json", { outputFile: "report.json" }]],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    launchOptions: { executablePath: process.env.CHROMIUM!, args: ["--no-sandbox"] },
  },
  webServer: { command: "node shop.js", port },
})

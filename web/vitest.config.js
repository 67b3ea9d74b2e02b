import { svelte } from "@sveltejs/vite-plugin-svelte"
import { defineConfig } from "vitest/config"
import { words } from "./words.js"

export default defineConfig({ plugins: [words(), svelte()], test: { include: ["tests/**/*.test.ts"] } })

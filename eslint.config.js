// The rules for web/ and clients/typescript/; `make check` runs them.

import js from "@eslint/js"
import svelte from "eslint-plugin-svelte"
import globals from "globals"
import ts from "typescript-eslint"

const TYPED = ["web/src/**/*.ts", "web/**/*.svelte", "clients/typescript/src/**/*.ts"]

export default ts.config(
  {
    ignores: [
      "**/dist/",
      "**/build/",
      "**/.svelte-kit/",
      ".local/",
      ".venv*/",
      "tests/",
      "clients/typescript/src/api.ts",
    ],
  },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    files: ["**/*.js", "clients/typescript/tests/**"],
    languageOptions: { globals: globals.node },
  },
  { files: ["web/src/**"], languageOptions: { globals: globals.browser } },
  {
    files: TYPED,
    languageOptions: {
      parserOptions: {
        // A tsconfig of its own has it: it is for Node, and the rest of the client for browsers too.
        projectService: { allowDefaultProject: ["clients/typescript/src/playwright.ts"] },
        extraFileExtensions: [".svelte"],
      },
    },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
    },
  },
  {
    files: ["web/**/*.svelte", "web/**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: {
      // The page has no markup but its own: no string becomes HTML, where a mail could write it.
      "svelte/no-at-html-tags": "error",
      // Of apps with a router of SvelteKit.
      "svelte/no-navigation-without-resolve": "off",
      // The state is replaced as a whole ($state.raw), never changed in place.
      "svelte/prefer-svelte-reactivity": "off",
      // svelte-check tells of a comment that ignores nothing, and knows which ones do.
      "svelte/no-unused-svelte-ignore": "off",
    },
  },
  {
    rules: {
      eqeqeq: "error",
      // A name that begins so stands for what is left out.
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // `!` says what the type cannot: the code beside it shows why.
      "@typescript-eslint/no-non-null-assertion": "off",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML" },
        { property: "outerHTML" },
        { property: "insertAdjacentHTML" },
      ],
    },
  },
)

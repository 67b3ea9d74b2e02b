// The format of web/ and clients/typescript/; `make format-web` brings files into it.

export default {
  plugins: ["prettier-plugin-svelte"],
  overrides: [{ files: "*.svelte", options: { parser: "svelte" } }],
  printWidth: 120,
  semi: false,
}

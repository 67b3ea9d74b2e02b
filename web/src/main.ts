// The start of the page.

import { mount } from "svelte"
import App from "./App.svelte"
import "./tokens.css"
import { paint, wantedTheme } from "./state/look.svelte"
import { speak, wantedLanguage } from "./words/words.svelte"

paint(wantedTheme())
// Where the words of another language cannot be loaded, those of English are there.
await speak(wantedLanguage()).catch(() => {})
mount(App, { target: document.getElementById("page")! })

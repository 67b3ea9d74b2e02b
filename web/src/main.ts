// The start of the page.

import { mount } from "svelte"
import App from "./App.svelte"
import "./tokens.css"
import { paint, wantedTheme } from "./state/look.svelte"
import { speak, wantedLanguage } from "./words/words.svelte"

paint(wantedTheme())
await speak(wantedLanguage())
mount(App, { target: document.getElementById("page")! })

// The start of the page of shared mail.

import { mount } from "svelte"
import { speak, wantedLanguage, withWords } from "../words/words.svelte"
import "../site/main"

await speak(wantedLanguage()).catch(() => {}) // English is there
const { default: Share } = await withWords(() => import("./Share.svelte"))
mount(Share, { target: document.getElementById("share")! })

// The start of the page of shared mail.

import { mount } from "svelte"
import { speak, wantedLanguage } from "../words/words.svelte"
import Share from "./Share.svelte"
import "../site/main"

await speak(wantedLanguage())
mount(Share, { target: document.getElementById("share")! })

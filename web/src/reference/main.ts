// The start of the API reference.

import { mount } from "svelte"
import "../site/main"
import Reference from "./Reference.svelte"

const target = document.getElementById("reference")!
target.replaceChildren()
mount(Reference, { target })

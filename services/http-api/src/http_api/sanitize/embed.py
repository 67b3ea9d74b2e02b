"""The script of a page for the frontend that shows it in a frame: it tells the page's height and takes a theme.

The script is the only one that the policy of the page allows, by its hash; the HTML of the mail cannot change it. The
page stays in a sandbox without an origin, so the script reaches nothing of the frontend. Pure.
"""

import hashlib
from base64 import b64encode

# `parent.postMessage` gives the frontend {type: "fake-email:height", height}, in CSS pixels. The frontend may send
# {type: "fake-email:theme", theme: "dark"}; any other theme is light.
SCRIPT = """\
(() => {
  const root = document.documentElement
  let told = 0
  let width = 0
  let zoom = 1
  // On a phone, a mail that was made for a desk is made smaller, to half its size at most.
  const fit = () => {
    if (width !== innerWidth) root.style.zoom = zoom = 1
    width = innerWidth
    if (width < 600 && root.scrollWidth > root.clientWidth)
      root.style.zoom = zoom = Math.max(0.5, (zoom * width) / root.scrollWidth)
  }
  const tell = () => {
    fit()
    // A mail that is wider than its frame has a scrollbar, which takes some of the height.
    const bar = innerHeight - root.clientHeight
    const height = Math.ceil(root.getBoundingClientRect().height) + bar
    if (height !== told) parent.postMessage({ type: "fake-email:height", height: (told = height) }, "*")
  }
  addEventListener("message", ({ source, data }) => {
    if (source === parent && data && data.type === "fake-email:theme")
      root.toggleAttribute("data-fake-email-dark", data.theme === "dark")
  })
  new ResizeObserver(tell).observe(root)
  addEventListener("load", tell)
  tell()
})()
"""
# A mail has colours of its own: turned round, text stays readable; pictures are turned back. Paper is never dark.
STYLE = (
    "html{height:auto!important;scrollbar-width:thin}"
    "@media screen{"
    "html[data-fake-email-dark]{filter:invert(1) hue-rotate(180deg);background:#fff;scrollbar-color:#666 #000}"
    "html[data-fake-email-dark] img{filter:invert(1) hue-rotate(180deg)}"
    "}"
)
SOURCE = f"'sha256-{b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}'"
HEAD = f"<style>{STYLE}</style>"
FOOT = f"<script>{SCRIPT}</script>"

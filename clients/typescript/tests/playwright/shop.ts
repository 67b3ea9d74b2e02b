/** The application under test in the README: it mails a code to a new user, and asks for the code. */
import { createServer, type IncomingMessage } from "node:http"

import { signUp } from "./app.js"

const SIGN_UP = "<form method=post action=/code><label>E-mail <input name=email></label><button>Sign up</button></form>"
const CODE = "<form method=post action=/welcome><label>Code <input name=code></label><button>Confirm</button></form>"

createServer(async (request, response) => {
  const form = await body(request)
  const email = form.get("email")
  if (email) await signUp(email)
  const page =
    request.url === "/sign-up" ? SIGN_UP : email ? CODE : form.get("code") === "482913" ? "Welcome!" : "Wrong code"
  response.setHeader("Content-Type", "text/html").end(`<!doctype html><title>Shop</title>${page}`)
}).listen(Number(process.env.SHOP_PORT), "127.0.0.1")

async function body(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ""
  for await (const piece of request) text += piece
  return new URLSearchParams(text)
}

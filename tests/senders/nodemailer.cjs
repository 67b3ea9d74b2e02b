// Sends the messages described on stdin over one connection; prints the replies as a JSON array.
const nodemailer = require("nodemailer")
const { port, authority, envelope, contents } = JSON.parse(require("node:fs").readFileSync(0))

const transport = nodemailer.createTransport({
  host: "localhost",
  port,
  pool: true,
  maxConnections: 1,
  ignoreTLS: !authority,
  requireTLS: Boolean(authority),
  tls: { ca: authority },
})

const deliveries = contents.map(async (content) => {
  try {
    const sent = await transport.sendMail({ envelope, raw: Buffer.from(content, "base64") })
    return [sent.response, ...(sent.rejectedErrors ?? []).map((error) => error.response)]
  } catch (error) {
    return [error.response ?? error.message]
  }
})
Promise.all(deliveries).then((replies) => {
  console.log(JSON.stringify(replies.flat()))
  transport.close()
})

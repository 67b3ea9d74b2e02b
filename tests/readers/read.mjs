// Read messages with postal-mime and with mailparser: paths come on stdin, one line of JSON for each goes to stdout.
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { simpleParser } from "mailparser";
import PostalMime from "postal-mime";

const moment = (value) => {
  const date = new Date(value ?? "");
  return Number.isNaN(date.valueOf()) ? null : date.toISOString();
};

async function postalMime(octets) {
  const mail = await PostalMime.parse(octets);
  const from = mail.from?.group?.[0] ?? mail.from;
  return {
    subject: mail.subject ?? "",
    from: from?.address ?? "",
    date: moment(mail.date),
    text: mail.text ?? "",
    html: Boolean(mail.html),
    files: mail.attachments.map((each) => [each.filename ?? "", each.content.byteLength ?? each.content.length]),
  };
}

async function mailparser(octets) {
  const mail = await simpleParser(octets, { skipHtmlToText: true, skipTextToHtml: true });
  return {
    subject: mail.subject ?? "",
    from: mail.from?.value?.[0]?.address ?? mail.from?.value?.[0]?.group?.[0]?.address ?? "",
    date: moment(mail.date),
    text: mail.text ?? "",
    html: Boolean(mail.html),
    files: mail.attachments.map((each) => [each.filename ?? "", each.size]),
  };
}

const guarded = async (reader, octets) => {
  try {
    return await reader(octets);
  } catch (error) {
    return { error: String(error.message) };
  }
};

for await (const path of createInterface({ input: process.stdin })) {
  const octets = await readFile(path);
  const read = {
    "postal-mime": await guarded(postalMime, octets),
    mailparser: await guarded(mailparser, octets),
  };
  console.log(JSON.stringify(read));
}

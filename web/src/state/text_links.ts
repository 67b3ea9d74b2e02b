// The links in a plain text. Pure.

// More links in one text are the work of a machine, and each is an element of the page.
const MOST = 500
const LINK = /\bhttps?:\/\/[^\s<>"]+/gi
const AFTER = ".,;:!?'*_)]}»”’"

export interface Piece {
  readonly text: string
  readonly isLink: boolean
}

/** The text in pieces, in order: links that may be opened, and all that is between them. */
export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = []
  let end = 0
  let count = 0
  for (const { 0: matched, index } of text.matchAll(LINK)) {
    const link = matched.slice(0, lengthOf(matched))
    if (!URL.canParse(link)) continue
    if (index > end) found.push({ text: text.slice(end, index), isLink: false })
    found.push({ text: link, isLink: true })
    end = index + link.length
    if (++count === MOST) break
  }
  if (end < text.length) found.push({ text: text.slice(end), isLink: false })
  return found
}

/** The length of the link without what ends the sentence around it; a bracket stays that was opened in the link. */
function lengthOf(matched: string): number {
  let length = matched.length
  const isOpened = matched.includes("(")
  while (length && AFTER.includes(matched[length - 1]!) && !(isOpened && matched[length - 1] === ")")) length--
  return length
}

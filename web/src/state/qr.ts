// A text as a QR code, drawn as one path. Pure.

import { generate } from "lean-qr/nano"

// ISO/IEC 18004 asks for four light modules around the code.
const MARGIN = 4

export interface QrPath {
  /** Modules, with the margin. */
  readonly size: number
  readonly path: string
}

export function qrPath(text: string): QrPath {
  const code = generate(text)
  let path = ""
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) {
      if (code.get(x, y)) path += `M${x + MARGIN} ${y + MARGIN}h1v1h-1z`
    }
  }
  return { size: code.size + 2 * MARGIN, path }
}

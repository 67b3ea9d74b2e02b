// The icon of the tab, with the number of unread messages.

const SIZE = 64
const MAX = 99

const link = (): HTMLLinkElement => document.querySelector("link[rel=icon]")!
let plain: Promise<HTMLImageElement> | undefined
let wanted = 0

function load(): Promise<HTMLImageElement> {
  const image = new Image()
  image.src = "/icon.svg"
  return image.decode().then(() => image)
}

/** Draw this number on the icon; none for 0. */
export async function badge(unread: number): Promise<void> {
  wanted = unread
  if (!unread) {
    link().href = "/icon.svg"
    return
  }
  const image = await (plain ??= load()).catch(() => null)
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = SIZE
  const pen = canvas.getContext("2d")
  if (!pen || wanted !== unread) return
  if (image) pen.drawImage(image, 0, 0, SIZE, SIZE)
  const text = unread > MAX ? "∞" : String(unread)
  const width = text.length > 1 ? 50 : 38
  pen.fillStyle = "#d9480f"
  pen.beginPath()
  pen.roundRect(SIZE - width, SIZE - 38, width, 38, 19)
  pen.fill()
  pen.fillStyle = "#fff"
  pen.font = "bold 34px system-ui, sans-serif"
  pen.textAlign = "center"
  pen.textBaseline = "middle"
  pen.fillText(text, SIZE - width / 2, SIZE - 18)
  link().href = canvas.toDataURL()
}

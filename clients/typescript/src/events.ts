/** Server-sent events, from pieces of text (HTML Living Standard §9.2.5, "Parsing an event stream"). Pure. */

export interface RawEvent {
  type: string
  data: string
  id: string | undefined
}

/** A function that takes pieces of a stream and returns the events that each piece completes. */
export function eventParser(): (piece: string) => RawEvent[] {
  let rest = ""
  let event = empty()
  return (piece) => {
    const events: RawEvent[] = []
    const lines = (rest + piece).split(/\r?\n/)
    rest = lines.pop() ?? ""
    for (const line of lines) {
      const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
      if (!line) {
        if (event.data) events.push({ ...event, data: event.data.slice(0, -1) })
        event = empty()
      } else if (field === "event") event.type = value ?? ""
      else if (field === "data") event.data += `${value}\n`
      else if (field === "id") event.id = value
    }
    return events
  }
}

function empty(): RawEvent {
  return { type: "message", data: "", id: undefined }
}

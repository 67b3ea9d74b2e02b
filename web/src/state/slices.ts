// A burst of work in slices: between two of them the page draws and hears its reader.

const SLICE = 50

/** Call `run` for each value, in order, in tasks of their own with at most 50 values each. */
export function inSlices<T>(run: (value: T) => void): (value: T) => void {
  const queue: T[] = []
  // A timer would wait for a minute in a tab in the background.
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    for (const value of queue.splice(0, SLICE)) run(value)
    if (queue.length) port2.postMessage(null)
  }
  return (value) => {
    if (queue.push(value) === 1) port2.postMessage(null)
  }
}

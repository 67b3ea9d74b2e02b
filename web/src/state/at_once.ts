// Many calls, a few at a time.

const WIDTH = 6

export interface Failure {
  readonly each: string
  readonly thrown: unknown
}

/** Call `run` for each value, and return those for which it failed. */
export async function atOnce(
  values: readonly string[],
  run: (each: string) => Promise<unknown>,
  width = WIDTH,
): Promise<readonly Failure[]> {
  const queue = [...values]
  const failures: Failure[] = []
  const work = async (): Promise<void> => {
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
      try {
        await run(each)
      } catch (thrown) {
        failures.push({ each, thrown })
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, values.length) }, work))
  return failures
}

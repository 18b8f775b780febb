/** Collects the lines of a log and writes them together. */
export interface BufferedWriter {
  write: (line: string) => void
  /** Writes the collected lines now. */
  flush: () => void
}

/**
 * Writes all lines of one turn of the event loop with one call of `write`: under load, one write a line takes longer than
 * the request that the line is about. The owner calls `flush` before the process ends.
 */
export function createBufferedWriter(write: (text: string) => void): BufferedWriter {
  let text = ''
  const flush = () => {
    if (text === '') return
    const collected = text
    text = ''
    write(collected)
  }
  return {
    write(line) {
      if (text === '') setImmediate(flush)
      text += line
    },
    flush,
  }
}

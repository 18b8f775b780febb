/** Lines on their way to a log. */
export interface BufferedWriter {
  write: (line: string) => void
  /** Writes at once what was said so far. */
  flush: () => void
}

/**
 * Writes together what is said in one turn of the event loop: under load a write for each line takes longer than the
 * call that it tells of. Whoever makes them has them flushed before the process ends.
 */
export function createBufferedWriter(write: (text: string) => void): BufferedWriter {
  let text = ''
  const flush = () => {
    if (text === '') return
    const said = text
    text = ''
    write(said)
  }
  return {
    write(line) {
      if (text === '') setImmediate(flush)
      text += line
    },
    flush,
  }
}

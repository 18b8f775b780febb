import type { ReadStream } from 'node:tty'

interface Prompt {
  /** The terminal where a person types. */
  input: ReadStream
  note: (text: string) => void
  /** Called at Ctrl-C, which a terminal without echo gives as a character. */
  interrupt: () => void
  signal: AbortSignal
}

/**
 * A line that a person types, which the terminal does not show. The terminal has its old mode again however this ends.
 * @returns the line, or undefined at Ctrl-C, at Ctrl-D and at a signal
 */
export async function promptSecret(question: string, prompt: Prompt): Promise<string | undefined> {
  const { input, note, signal } = prompt
  const restore = () => void input.setRawMode(false)
  process.once('exit', restore)
  // Before the question: who answers at once would otherwise see the answer.
  input.setRawMode(true)
  note(question)
  try {
    return await lineOf(prompt)
  } finally {
    restore()
    process.off('exit', restore)
    input.pause()
    if (!signal.aborted) note('\n')
  }
}

function lineOf({ input, interrupt, signal }: Prompt): Promise<string | undefined> {
  return new Promise((resolve) => {
    let line = ''
    const end = (value: string | undefined) => {
      input.off('data', read)
      resolve(value)
    }
    const read = (keys: Buffer) => {
      for (const key of keys.toString('utf8')) {
        if (key === '\r' || key === '\n') return end(line)
        if (key === '\u0003') interrupt()
        if (key === '\u0003' || (key === '\u0004' && line === '')) return end(undefined)
        if (key === '\u007f' || key === '\b') line = [...line].slice(0, -1).join('')
        else if (key === '\u0015') line = ''
        else line += key
      }
    }
    signal.addEventListener('abort', () => end(undefined), { once: true })
    input.on('data', read).once('end', () => end(undefined))
    input.resume()
  })
}

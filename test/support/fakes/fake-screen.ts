import { stripVTControlCharacters } from 'node:util'
import { commands } from '../../../cli/commands/all.ts'
import type { Key, ScreenEvents } from '../../../cli/io.ts'
import { main } from '../../../cli/main.ts'
import { until } from '../poll.ts'
import { environmentOf, identity } from '../programs/jobsctl.ts'

/** A person before a screen that `jobsctl` has taken. */
export interface FakeScreen {
  /** The lines that the screen shows, without colours. */
  lines: () => string[]
  /** Waits until a line of the screen matches. */
  sees: (pattern: RegExp) => Promise<unknown>
  /** Types a text, key by key. */
  types: (text: string) => void
  /** Presses a key that has a name, such as `return`. */
  presses: (name: string) => void
  resizes: (columns: number, rows: number) => void
  signals: (name: 'SIGINT' | 'SIGTERM') => void
  isOpen: () => boolean
  ended: Promise<{ code: number; out: string; err: string }>
}

interface Options {
  env?: Record<string, string | undefined>
  columns?: number
  rows?: number
}

/** Runs `jobsctl` in the test's own process, before a screen. */
export async function startAtScreen(
  argv: string[],
  { env, columns = 80, rows = 24 }: Options = {},
): Promise<FakeScreen> {
  const output = { out: '', err: '' }
  const interruption = new AbortController()
  let size = { columns, rows }
  let lines: string[] = []
  let events: ScreenEvents | undefined
  let open = false
  const ended = main(commands, argv, {
    out: (text) => {
      output.out += text
    },
    note: (text) => {
      output.err += text
    },
    serverProgram: () => '',
    openUrl: async () => false,
    ask: async () => undefined,
    askSecret: async () => undefined,
    edit: () => Promise.reject(new Error('there is no editor')),
    readStdin: async () => '',
    stdinParts: async function* () {},
    openScreen: async (given) => {
      events = given
      open = true
      return {
        draw: (drawn) => {
          lines = drawn.map((line) => stripVTControlCharacters(line))
        },
        size: () => size,
        close: () => {
          open = false
        },
      }
    },
    outGone: () => false,
    ...{ interactive: true, inTerminal: true, outTerminal: true, noteTerminal: true, columns, rows, identity },
    env: await environmentOf({ TERM: 'xterm', LANG: 'C.UTF-8', ...env }),
    home: undefined,
    signal: interruption.signal,
  }).then((code) => ({ code, ...output }))
  const press = (key: Partial<Key>) => events?.onKey({ name: undefined, text: '', ctrl: false, ...key })
  return {
    lines: () => lines,
    sees: (pattern) =>
      until(`the screen shows ${pattern}`, () => lines.some((line) => pattern.test(line))).catch((error: unknown) => {
        throw new Error(`${error}; it shows\n${lines.join('\n')}\n${output.err}`)
      }),
    types: (text) => {
      for (const character of text) press({ name: character, text: character })
    },
    presses: (name) => press({ name }),
    resizes: (columns, rows) => {
      size = { columns, rows }
      events?.onRedraw()
    },
    signals: (name) => interruption.abort(name),
    isOpen: () => open,
    ended,
  }
}

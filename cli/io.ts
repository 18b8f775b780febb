import { Failure } from '../shared/errors.ts'

/** A key that was pressed: its name as node:readline gives it, such as `up`, and the text that it stands for. */
export interface Key {
  name: string | undefined
  text: string
  ctrl: boolean
}

/** The events that a program with the whole screen receives. */
export interface ScreenEvents {
  onKey: (key: Key) => void
  /** The terminal has another size, or the program goes on after it was suspended. */
  onRedraw: () => void
}

/** The whole screen of a terminal. Ctrl-C and Ctrl-Z work as in any program. */
export interface Screen {
  /** Replaces what the screen shows. Each line must fit the columns of the terminal, and the lines its rows. */
  draw: (lines: readonly string[]) => void
  size: () => { columns: number; rows: number }
  /** Gives the terminal back as it was before. */
  close: () => void
}

/** The text that the editor saved; or how the editor failed, as the end of a sentence about the editor. */
export type EditorEnd = { text: string } | { failed: string }

/** Everything outside of the command line: only process.ts knows the process. */
export interface Io {
  /** Data, to stdout. */
  out: (text: string) => void
  /** Conversation, to stderr. */
  note: (text: string) => void
  /** The line that a person types; undefined when input ends. */
  ask: (question: string) => Promise<string | undefined>
  /** The same, while the terminal does not show what is typed. */
  askSecret: (question: string) => Promise<string | undefined>
  /** Has a person edit a text by a program, the command line of an editor; only where `interactive` is true. */
  edit: (program: string, text: string) => Promise<EditorEnd>
  readStdin: () => Promise<string>
  /** Stdin piece by piece, for input of any size. */
  stdinParts: () => AsyncIterable<Uint8Array>
  /** Takes the whole screen and the keys of a terminal; only where `inTerminal` and `outTerminal` are true. */
  openScreen: (events: ScreenEvents) => Promise<Screen>
  /** Opens a URL in the browser of the person; false where no program does. */
  openUrl: (url: string) => Promise<boolean>
  /** Whether the reader of stdout has closed it. */
  outGone: () => boolean
  /** stdin and stderr are a terminal. */
  interactive: boolean
  inTerminal: boolean
  outTerminal: boolean
  noteTerminal: boolean
  /** Width of the terminal on stdout, in columns. */
  columns: number
  /** Height of the terminal on stdout, in lines. */
  rows: number
  env: NodeJS.ProcessEnv
  /** `<user>@<host>`, for the record of a change. */
  identity: string
  /** The home folder, where it is known. */
  home: string | undefined
  /** The path of `jobs-server`, of the same installation. */
  serverProgram: () => string
  /** Aborts at SIGINT, SIGTERM or SIGHUP; its reason is SIGINT or SIGTERM. */
  signal: AbortSignal
}

/** The failure of a command that a signal ended; `outcome` says what is known of a change. */
export function interrupted(signal: AbortSignal, outcome = ''): Failure {
  const code = signal.reason === 'SIGTERM' ? 'terminated' : 'interrupted'
  return new Failure(code, `${code}${outcome}`)
}

/** Everything outside of the command line: only edge.ts knows the process. */
export interface Io {
  /** Data, to stdout. */
  out: (text: string) => void
  /** Conversation, to stderr. */
  note: (text: string) => void
  /** The line that a person types; undefined when input ends. */
  ask: (question: string) => Promise<string | undefined>
  readStdin: () => Promise<string>
  /** Whether the reader of stdout has closed it. */
  outGone: () => boolean
  /** stdin and stderr are a terminal. */
  interactive: boolean
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
  /** Aborts at SIGINT or SIGTERM, with the name of the signal as its reason. */
  signal: AbortSignal
}

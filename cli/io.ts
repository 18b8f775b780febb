/** The world outside: only edge.ts knows the process. */
export interface Io {
  /** Data, to stdout. */
  out: (text: string) => void
  /** Conversation, to stderr. */
  note: (text: string) => void
  /** A person's answer, or undefined when there is none to be had. */
  ask: (question: string) => Promise<string | undefined>
  readStdin: () => Promise<string>
  /** Nobody reads stdout any more. */
  outGone: () => boolean
  /** Both ends of a conversation are a terminal. */
  interactive: boolean
  outTerminal: boolean
  noteTerminal: boolean
  /** Width of the terminal on stdout, in columns. */
  columns: number
  env: NodeJS.ProcessEnv
  /** `<user>@<host>`, for the record of a change. */
  identity: string
  /** Where it is known. */
  home: string | undefined
  /** Ends with the name of the signal as its reason. */
  signal: AbortSignal
}

/** What an answer of the server means, in words; `hint` is given where the operator should act. */
export interface Finding {
  detail: string
  /** The parts of `detail` that people read line by line. */
  lines?: readonly string[]
  hint: string | undefined
  /** Nothing is left to check. */
  isLast?: boolean
}

/** What doctor says of a part of a report that the server does not send. */
export const notReported = {
  detail: 'this server does not report it',
  hint: 'normal for an older jobs-server, and for a server of another program',
} as const satisfies Finding

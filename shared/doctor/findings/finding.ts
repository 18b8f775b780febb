/** What an answer of the server means, in words; `hint` is given where the operator should act. */
export interface Finding {
  detail: string
  /** The parts of `detail` that people read line by line. */
  lines?: readonly string[]
  hint: string | undefined
  /** Nothing is left to check. */
  isLast?: boolean
}

import { useRef, useState } from 'preact/hooks'
import { type Problem, problemOf } from '../api/problem.ts'

/** A call that a click makes. */
export interface Act {
  /** Why it did not work. */
  problem: Problem | undefined
  /** Makes it, unless it is being made. */
  run: (call: () => Promise<unknown>) => Promise<void>
  /** Forgets the problem. */
  clear: () => void
}

/** Keeps whether an act is being made, and why it was refused. */
export function useAct(): Act {
  // Known at once, and not only when the page is drawn again: a double click is one act.
  const isBusy = useRef(false)
  const [problem, setProblem] = useState<Problem>()
  const run = async (call: () => Promise<unknown>) => {
    if (isBusy.current) return
    isBusy.current = true
    setProblem(undefined)
    await call().catch((error: unknown) => setProblem(problemOf(error)))
    isBusy.current = false
  }
  return { problem, run, clear: () => setProblem(undefined) }
}

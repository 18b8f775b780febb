import { useState } from 'preact/hooks'
import { type Problem, problemOf } from '../api/problem.ts'

/** A call that a click makes. */
export interface Act {
  isBusy: boolean
  /** Why it did not work. */
  problem: Problem | undefined
  /** Makes it, unless it is being made. */
  run: (call: () => Promise<unknown>) => Promise<void>
  /** Forgets the problem. */
  clear: () => void
}

/** Keeps whether an act is being made, and why it was refused. */
export function useAct(): Act {
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const run = async (call: () => Promise<unknown>) => {
    if (isBusy) return
    setBusy(true)
    setProblem(undefined)
    await call().catch((error: unknown) => setProblem(problemOf(error)))
    setBusy(false)
  }
  return { isBusy, problem, run, clear: () => setProblem(undefined) }
}

import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { followStats } from '../api/live-stats.ts'
import { type Problem, problemOf } from '../api/problem.ts'
import { serverNow } from './page.ts'

const pollMs = 1000

/** What a screen has loaded so far. */
export interface Loaded<T> {
  /** The last answer; it stays while the next one is awaited. */
  data: T | undefined
  problem: Problem | undefined
  /** When the last answer came, by the clock of the server, in milliseconds. */
  readAt: number | undefined
  isLoading: boolean
  reload: () => void
}

/**
 * Loads again a second after each answer, for as long as this is asked for and the page is seen. The next request waits for the
 * answer: where one takes longer than a second, no answer would ever come.
 */
export function usePolling(isOn: boolean, { isLoading, reload }: Pick<Loaded<unknown>, 'isLoading' | 'reload'>): void {
  useEffect(() => {
    if (!isOn || isLoading) return
    const timer = setInterval(() => !document.hidden && reload(), pollMs)
    return () => clearInterval(timer)
  }, [isOn, isLoading, reload])
}

/**
 * Loads data for a screen, and again when the key changes. An answer that comes after that is dropped.
 * @param key names what is loaded
 */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; readAt?: number; problem?: Problem }>({ key: '' })
  const [round, setRound] = useState(0)
  useEffect(() => {
    const controller = new AbortController()
    load(controller.signal).then(
      (data) => !controller.signal.aborted && setState({ key: `${key} ${round}`, data, readAt: serverNow() }),
      (error: unknown) => {
        if (controller.signal.aborted) return
        setState(({ problem: _before, ...last }) => ({ ...last, key: `${key} ${round}`, problem: problemOf(error) }))
      },
    )
    return () => controller.abort()
  }, [key, round])
  return {
    data: state.data,
    problem: state.problem,
    readAt: state.readAt,
    isLoading: state.key !== `${key} ${round}`,
    reload: useCallback(() => setRound((count) => count + 1), []),
  }
}

/** A call that a click makes. */
export interface Acting {
  /** Why it did not work. */
  problem: Problem | undefined
  isBusy: boolean
  /** Makes it, unless it is being made. */
  run: (call: () => Promise<unknown>) => Promise<void>
  /** Forgets the problem. */
  clear: () => void
}

/** Keeps whether an act is being made, and why it was refused. */
export function useAct(): Acting {
  // Known at once, and not only when the page is drawn again: a double click is one act.
  const acts = useRef(false)
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const run = async (call: () => Promise<unknown>) => {
    if (acts.current) return
    acts.current = true
    setBusy(true)
    setProblem(undefined)
    await call().catch((error: unknown) => setProblem(problemOf(error)))
    acts.current = false
    setBusy(false)
  }
  return { problem, isBusy, run, clear: () => setProblem(undefined) }
}

/**
 * Follows the counts of a domain, of a queue or of all as long as a screen is shown.
 * @returns undefined until the stream is asked for
 */
export function useLiveStats({ domain, queue }: Parameters<typeof followStats>[0]) {
  const [live, setLive] = useState<ReturnType<typeof followStats>>()
  useEffect(() => {
    const following = followStats({ domain, queue })
    setLive(following)
    return following.end
  }, [domain, queue])
  return live
}

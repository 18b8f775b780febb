import { useCallback, useEffect, useState } from 'preact/hooks'
import { type Problem, problemOf } from '../api/problem.ts'

const pollMs = 1000

/** What a screen has loaded so far. */
export interface Loaded<T> {
  /** The last answer; it stays while the next one is awaited. */
  data: T | undefined
  problem: Problem | undefined
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
  const [state, setState] = useState<{ key: string; data?: T; problem?: Problem }>({ key: '' })
  const [round, setRound] = useState(0)
  useEffect(() => {
    const controller = new AbortController()
    load(controller.signal).then(
      (data) => !controller.signal.aborted && setState({ key: `${key} ${round}`, data }),
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
    isLoading: state.key !== `${key} ${round}`,
    reload: useCallback(() => setRound((count) => count + 1), []),
  }
}

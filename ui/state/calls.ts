import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { followStats } from '../api/live-stats.ts'
import { askedAgain, isPassing, type Problem, problemOf } from '../api/problem.ts'
import { serverNow } from './page.ts'

const pollMs = 1000

/** What a screen has loaded so far. */
export interface Loaded<T> {
  /** The last answer; it stays while the next one is awaited. */
  data: T | undefined
  problem: Problem | undefined
  /** When the last answer came, by the clock of the server, in milliseconds. */
  readAt: number | undefined
  /** How long the last answer took, in milliseconds. */
  tookMs: number | undefined
  isLoading: boolean
  reload: () => void
}

/**
 * Loads again after each answer, for as long as this is asked for and the page is seen. The next request waits for the answer: where
 * one takes longer than the pause, no answer would ever come. Where an answer takes long, most of the time is left to others.
 * @param everyMs the shortest pause, in milliseconds
 */
export function usePolling(
  isOn: boolean,
  {
    isLoading,
    reload,
    problem,
    tookMs,
  }: Pick<Loaded<unknown>, 'isLoading' | 'reload' | 'problem'> & { tookMs?: number | undefined },
  everyMs = pollMs,
): void {
  useEffect(() => {
    // A call without an answer is made again by itself, later each time.
    if (!isOn || isLoading || (problem && isPassing(problem))) return
    const timer = setInterval(() => !document.hidden && reload(), Math.max(everyMs, partOf(tookMs ?? 0)))
    return () => clearInterval(timer)
  }, [isOn, isLoading, reload, problem, everyMs])
}

/** The pause after a call that took so long: most of the time is left to others. A call of a tab that was hidden meanwhile has waited for it. */
const partOf = (tookMs: number): number => Math.min(60_000, 5 * tookMs)

/** The first and the longest pause before a call that got no answer is made again, in milliseconds. */
const [firstPauseMs, longestPauseMs] = [1000, 15_000]

/**
 * For how long a screen waits before it asks again; undefined where that would not help.
 * @param failures how many calls had no answer before this one
 * @param tookMs how long this one took: where the database is busy, most of the time is left to others
 */
export function pauseAfter(problem: Problem, failures: number, tookMs: number): number | undefined {
  if (!isPassing(problem)) return undefined
  const asked = 1000 * Math.min(60, Number(problem.fields.retry_after) || 0)
  return Math.max(asked, partOf(tookMs), Math.min(longestPauseMs, firstPauseMs * 2 ** failures))
}

interface State<T> {
  key: string
  data?: T
  readAt?: number
  tookMs?: number
  problem?: Problem
}

/**
 * Loads data for a screen, and again when the key changes. An answer that comes after that is dropped. Where the server is away or busy,
 * the screen asks again by itself.
 * @param key names what is loaded
 */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<State<T>>({ key: '' })
  const [round, setRound] = useState(0)
  const failures = useRef(0)
  useEffect(() => {
    const controller = new AbortController()
    const began = performance.now()
    let timer: ReturnType<typeof setTimeout> | undefined
    const name = `${key} ${round}`
    load(controller.signal).then(
      (data) => {
        if (controller.signal.aborted) return
        failures.current = 0
        setState({ key: name, data, readAt: serverNow(), tookMs: performance.now() - began })
      },
      (error: unknown) => {
        if (controller.signal.aborted) return
        const problem = problemOf(error)
        const pause = pauseAfter(problem, failures.current++, performance.now() - began)
        setState((last) => ({ ...last, key: name, problem: pause === undefined ? problem : askedAgain(problem) }))
        if (pause !== undefined) timer = setTimeout(() => setRound((count) => count + 1), pause)
      },
    )
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
  }, [key, round])
  return {
    data: state.data,
    problem: state.problem,
    readAt: state.readAt,
    tookMs: state.tookMs,
    isLoading: state.key !== `${key} ${round}`,
    reload: useCallback(() => setRound((count) => count + 1), []),
  }
}

/** The same for what the filter of the address names: where the read of another filter fails, nothing of the one before is left. */
export function useFiltered<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const { data: last, ...loaded } = useLoad(key, async (signal) => ({ of: key, data: await load(signal) }))
  const isLeft = loaded.problem !== undefined && last?.of !== key
  return { ...loaded, data: isLeft ? undefined : last?.data }
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

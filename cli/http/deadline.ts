import { now } from '../system.ts'

/** The deadline of one call. */
export interface Deadline {
  signal: AbortSignal
  /** The server sent something: with `silenceMs`, the deadline from now on limits the silence. */
  heard: () => void
  /** Whether the deadline limits the silence alone. */
  ofSilence: () => boolean
  /** Ends the deadline, and returns the milliseconds that the call used up. */
  end: () => number
}

/** A deadline after `ms` milliseconds; with `silenceMs`, each `heard()` moves it to `silenceMs` from then. */
export function deadlineAfter(ms: number, silenceMs?: number): Deadline {
  const late = new AbortController()
  const abort = () => late.abort()
  let start = now()
  let ofSilence = false
  let timer = setTimeout(abort, Math.max(1, Math.ceil(ms)))
  return {
    signal: late.signal,
    ofSilence: () => ofSilence,
    heard: () => {
      if (silenceMs === undefined) return
      clearTimeout(timer)
      ofSilence = true
      start = now()
      timer = setTimeout(abort, silenceMs)
    },
    end: () => {
      clearTimeout(timer)
      return now() - start
    },
  }
}

import { now } from '../clock.ts'
/** The deadline of one call. */
export interface Deadline {
  signal: AbortSignal
  /** Something was heard: where it may be put off, it limits the silence from now on. */
  heard: () => void
  /** Whether it limits the silence alone by now. */
  ofSilence: () => boolean
  /** Ends it, and returns the milliseconds to take from what is left for other calls. */
  end: () => number
}

/** A deadline after so many milliseconds; with `silenceMs` it is put off by that each time something is heard. */
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

/** The deadline of one call, together with the signal of its caller. */
export interface Deadline {
  /** Aborts when the time is over, and when the caller aborts. */
  signal: AbortSignal
  /** The milliseconds that are left. */
  left: () => number
  /** The server sent a part of a long answer: the deadline now limits its silence. */
  heard: () => void
  /** The caller is busy with what it was given: no time runs until `heard`. */
  rest: () => void
  /** True when the time is over. */
  isOver: () => boolean
  /** True when the deadline limits the silence of the server. */
  isOfSilence: () => boolean
  /** Ends the deadline, and returns the milliseconds since it began, or since the server was heard. */
  end: () => number
}

interface Limits {
  caller?: AbortSignal | undefined
  /** The longest silence of the server once it was heard, in milliseconds; `ms` where it is not given. */
  silenceMs?: number
}

/**
 * A deadline after `ms` milliseconds. A call has its own controller and takes its listener away, since `AbortSignal.any` keeps memory
 * of each call for as long as the signal of the caller lives.
 */
export function deadlineAfter(ms: number, { caller, silenceMs = ms }: Limits = {}): Deadline {
  const controller = new AbortController()
  let over = false
  let ofSilence = false
  let began = performance.now()
  const expire = () => {
    over = true
    controller.abort()
  }
  const leave = () => controller.abort(caller?.reason)
  let timer = setTimeout(expire, ms)
  if (caller?.aborted) leave()
  caller?.addEventListener('abort', leave, { once: true })
  return {
    signal: controller.signal,
    left: () => began + (ofSilence ? silenceMs : ms) - performance.now(),
    heard: () => {
      clearTimeout(timer)
      ofSilence = true
      began = performance.now()
      timer = setTimeout(expire, silenceMs)
    },
    rest: () => clearTimeout(timer),
    isOver: () => over,
    isOfSilence: () => ofSilence,
    end: () => {
      clearTimeout(timer)
      caller?.removeEventListener('abort', leave)
      return performance.now() - began
    },
  }
}

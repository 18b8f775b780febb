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
  end: () => void
}

/**
 * A deadline after `ms` milliseconds. A call has its own controller and takes its listener away, since `AbortSignal.any` keeps memory
 * of each call for as long as the signal of the caller lives.
 */
export function deadlineAfter(ms: number, caller: AbortSignal | undefined): Deadline {
  const controller = new AbortController()
  let over = false
  let ends = performance.now() + ms
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
    left: () => ends - performance.now(),
    heard: () => {
      clearTimeout(timer)
      ends = performance.now() + ms
      timer = setTimeout(expire, ms)
    },
    rest: () => clearTimeout(timer),
    isOver: () => over,
    end: () => {
      clearTimeout(timer)
      caller?.removeEventListener('abort', leave)
    },
  }
}

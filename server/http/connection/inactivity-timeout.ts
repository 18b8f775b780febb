/** A timeout that each sign of progress restarts. */
export interface InactivityTimeout {
  /** Resolves to `silence` when there was no sign of progress for the whole time. */
  expired: Promise<'silence'>
  /** Restarts the time after a sign of progress. */
  restart: () => void
  /** Ends the timeout; `expired` then never resolves. */
  end: () => void
}

/** Starts a timeout of `limitMs` milliseconds, which does not keep the process alive. */
export function startInactivityTimeout(limitMs: number): InactivityTimeout {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<'silence'>((resolve) => {
    timer = setTimeout(() => resolve('silence'), limitMs).unref()
  })
  return { expired, restart: () => void timer?.refresh(), end: () => clearTimeout(timer) }
}

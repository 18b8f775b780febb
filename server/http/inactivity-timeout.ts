/** Watches whether something is still being said. */
export interface InactivityTimeout {
  /** Resolves to `silence` once nothing has been said for too long. */
  expired: Promise<'silence'>
  /** Something was said: the time begins anew. */
  restart: () => void
  /** It is over. */
  end: () => void
}

/** Waits for a silence of `limitMs`, without keeping the process alive for it. */
export function startInactivityTimeout(limitMs: number): InactivityTimeout {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<'silence'>((resolve) => {
    timer = setTimeout(() => resolve('silence'), limitMs).unref()
  })
  return { expired, restart: () => void timer?.refresh(), end: () => clearTimeout(timer) }
}

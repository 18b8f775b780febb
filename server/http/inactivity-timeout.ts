/** Watches whether something is still being said. */
export interface Silence {
  /** Resolves to `silence` once nothing has been said for too long. */
  fallen: Promise<'silence'>
  /** Something was said: the time begins anew. */
  broken: () => void
  /** It is over. */
  end: () => void
}

/** Waits for a silence of `limitMs`, without keeping the process alive for it. */
export function listenForSilence(limitMs: number): Silence {
  let timer: NodeJS.Timeout | undefined
  const fallen = new Promise<'silence'>((resolve) => {
    timer = setTimeout(() => resolve('silence'), limitMs).unref()
  })
  return { fallen, broken: () => void timer?.refresh(), end: () => clearTimeout(timer) }
}

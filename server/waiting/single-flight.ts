/** Results that are computed once for all callers that ask for the same at the same time. */
export interface SingleFlight {
  /**
   * Runs `compute`, or waits for the next run with the same key: no result is older than the call that gets it.
   * @throws whatever `compute` throws, for all callers that wait for this run
   */
  share: (key: string, compute: () => Promise<string>) => Promise<string>
}

interface Run {
  /** The number of callers that get its result. */
  callers: number
  /** Resolves when the next run may begin. */
  over: Promise<void>
  /** The next run, for all callers that come until then. */
  next?: NextRun
  /** Called when the next run has as many callers as this one. */
  gathered?: () => void
}

interface NextRun {
  callers: number
  result: Promise<string>
}

/**
 * Callers that shared a result often ask again at once. The next run waits for as many callers, at most for this share of the
 * time that a run takes, and for at most 10 ms.
 */
const gatheringShare = 1 / 2
const longestGatheringMs = 10

/** Shares results between callers by key. */
export function createSingleFlight(): SingleFlight {
  const runs = new Map<string, Run>()

  function begin(key: string, result: Promise<string>, callers: number): Promise<string> {
    const since = performance.now()
    const gather = async () => {
      if (callers === 1 && run.next === undefined) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(longestGatheringMs, (performance.now() - since) * gatheringShare))
        run.gathered = () => {
          clearTimeout(timer)
          resolve()
        }
        if (isGathered(run)) run.gathered()
      })
    }
    const run: Run = {
      callers,
      over: result.then(gather, gather).then(() => {
        if (run.next === undefined) runs.delete(key)
      }),
    }
    runs.set(key, run)
    return result
  }

  return {
    share(key, compute) {
      const run = runs.get(key)
      if (!run) return begin(key, compute(), 1)
      const next: NextRun = run.next ?? { callers: 0, result: run.over.then(() => begin(key, compute(), next.callers)) }
      run.next = next
      next.callers += 1
      if (isGathered(run)) run.gathered?.()
      return next.result
    },
  }
}

const isGathered = ({ callers, next }: Run): boolean => next !== undefined && next.callers >= callers

/** Results that are computed once for all callers that ask for the same at the same time. */
export interface SingleFlight<Result> {
  /**
   * Runs `compute`, or waits for the next run with the same key: no result is older than the call that gets it.
   * @param everyMs the least time from the begin of one run to that of the next one, in milliseconds
   * @throws whatever `compute` throws, for all callers that wait for this run
   */
  share: (key: string, compute: () => Promise<Result>, everyMs?: number) => Promise<Result>
}

interface Run<Result> {
  /** The number of callers that get its result. */
  callers: number
  /** Resolves when the next run may begin. */
  over: Promise<void>
  /** The next run, for all callers that come until then. */
  next?: NextRun<Result>
  /** Called when the next run has as many callers as this one. */
  gathered?: () => void
}

interface NextRun<Result> {
  callers: number
  result: Promise<Result>
}

/** A run that begins. */
interface Begun {
  callers: number
  everyMs: number
}

/**
 * Callers that shared a result often ask again at once. The next run waits for as many callers, at most for this share of the
 * time that a run takes, and for at most 10 ms.
 */
const gatheringShare = 1 / 2
const longestGatheringMs = 10

/** Shares results between callers by key. */
export function createSingleFlight<Result>(): SingleFlight<Result> {
  const runs = new Map<string, Run<Result>>()

  function begin(key: string, result: Promise<Result>, { callers, everyMs }: Begun): Promise<Result> {
    const since = performance.now()
    const gather = async () => {
      const early = everyMs - (performance.now() - since)
      if (early > 0) return new Promise<void>((resolve) => void setTimeout(resolve, early).unref())
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
    const run: Run<Result> = {
      callers,
      over: result.then(gather, gather).then(() => {
        if (run.next === undefined) runs.delete(key)
      }),
    }
    runs.set(key, run)
    return result
  }

  return {
    share(key, compute, everyMs = 0) {
      const run = runs.get(key)
      if (!run) return begin(key, compute(), { callers: 1, everyMs })
      const next: NextRun<Result> = run.next ?? {
        callers: 0,
        result: run.over.then(() => begin(key, compute(), { callers: next.callers, everyMs })),
      }
      run.next = next
      next.callers += 1
      if (isGathered(run)) run.gathered?.()
      return next.result
    },
  }
}

const isGathered = ({ callers, next }: Run<unknown>): boolean => next !== undefined && next.callers >= callers

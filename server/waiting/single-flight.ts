/** Answers that are looked up once for all who ask the same at the same time. */
export interface SingleFlight {
  /**
   * Looks, or waits for the look that begins next: no answer is older than its question.
   * @throws whatever the look throws, for all who wait for it
   */
  share: (key: string, ask: () => Promise<string>) => Promise<string>
}

interface Look {
  /** Who is answered by it. */
  askers: number
  /** Resolves when the next one may begin. */
  over: Promise<void>
  /** For all who come until then. */
  next?: Next
  /** Called when the next one has as many askers. */
  gathered?: () => void
}

interface Next {
  askers: number
  answer: Promise<string>
}

/**
 * Who has just been answered with others may ask again: the next look waits until as many have asked, for a part of what
 * it takes at most.
 */
const gathering = 1 / 2
const longestGatheringMs = 10

export function createSingleFlight(): SingleFlight {
  const underway = new Map<string, Look>()

  function begin(key: string, answer: Promise<string>, askers: number): Promise<string> {
    const since = performance.now()
    const gather = async () => {
      if (askers === 1 && look.next === undefined) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(longestGatheringMs, (performance.now() - since) * gathering))
        look.gathered = () => {
          clearTimeout(timer)
          resolve()
        }
        if (isGathered(look)) look.gathered()
      })
    }
    const look: Look = {
      askers,
      over: answer.then(gather, gather).then(() => {
        if (look.next === undefined) underway.delete(key)
      }),
    }
    underway.set(key, look)
    return answer
  }

  return {
    share(key, ask) {
      const look = underway.get(key)
      if (!look) return begin(key, ask(), 1)
      const next: Next = look.next ?? { askers: 0, answer: look.over.then(() => begin(key, ask(), next.askers)) }
      look.next = next
      next.askers += 1
      if (isGathered(look)) look.gathered?.()
      return next.answer
    },
  }
}

const isGathered = ({ askers, next }: Look): boolean => next !== undefined && next.askers >= askers

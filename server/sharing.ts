import { setTimeout as wait } from 'node:timers/promises'

/** Answers that are looked up once for all who ask the same at the same time. */
export interface Sharing {
  /**
   * Looks, or waits for the look that begins next: no answer is older than its question.
   * @throws whatever the look throws, for all who wait for it
   */
  share: (key: string, ask: () => Promise<string>) => Promise<string>
}

interface Look {
  answer: Promise<string>
  since: number
  /** Begins when this one is over, for all who came meanwhile. */
  next?: Promise<string>
}

/** Whoever has just been answered may ask again: the next look waits for them a little, as a part of what it takes. */
const gathering = 1 / 4
const longestGatheringMs = 5

export function createSharing(): Sharing {
  const underway = new Map<string, Look>()

  function begin(key: string, answer: Promise<string>): Promise<string> {
    const look: Look = { answer, since: performance.now() }
    const end = () => {
      if (look.next === undefined) underway.delete(key)
    }
    underway.set(key, look)
    answer.then(end, end)
    return answer
  }

  return {
    share(key, ask) {
      const look = underway.get(key)
      if (!look) return begin(key, ask())
      const then = async () => {
        await wait(Math.min(longestGatheringMs, (performance.now() - look.since) * gathering))
        return begin(key, ask())
      }
      look.next ??= look.answer.then(then, then)
      return look.next
    },
  }
}

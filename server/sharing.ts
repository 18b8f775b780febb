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
  /** Resolves when the next one may begin. */
  over: Promise<void>
  /** For all who come until then. */
  next?: Promise<string>
}

/** Who has just been answered with others may ask again: the next look waits for them, for a part of what it takes. */
const gathering = 1 / 4
const longestGatheringMs = 5

export function createSharing(): Sharing {
  const underway = new Map<string, Look>()

  function begin(key: string, answer: Promise<string>, shared: boolean): Promise<string> {
    const since = performance.now()
    const gather = async () => {
      if (!shared && look.next === undefined) return
      await wait(Math.min(longestGatheringMs, (performance.now() - since) * gathering))
    }
    const look: Look = {
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
      if (!look) return begin(key, ask(), false)
      look.next ??= look.over.then(() => begin(key, ask(), true))
      return look.next
    },
  }
}

/** How many callers go on at once, and how long the next ones wait, in milliseconds: they take a third of the event loop at most. */
const [atOnce, pauseMs] = [8, 1]

/**
 * Waits for a turn. What a thousand readers do with the same value takes some 60 ms; in turns, other calls are served in between. A caller that
 * comes alone does not wait.
 */
export const turn: () => Promise<void> = createTurns()

function createTurns(): () => Promise<void> {
  const waiting = new Set<() => void>()
  let went = 0

  const goOn = () => {
    if (went === 0) setTimeout(letIn, pauseMs).unref()
    went += 1
  }
  const letIn = () => {
    went = 0
    for (const go of waiting) {
      if (went === atOnce) return
      waiting.delete(go)
      goOn()
      go()
    }
  }
  return async () => {
    if (went < atOnce) return goOn()
    return new Promise((resolve) => waiting.add(resolve))
  }
}

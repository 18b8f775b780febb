import { setTimeout as wait } from 'node:timers/promises'

/**
 * Calls at a steady rate until something is over, whether or not the calls before are answered: whoever waits for
 * an answer before the next call does not see how many it would have kept waiting.
 * @returns the wait that one in a hundred exceeds, in milliseconds, from the moment at which the call was due
 */
export async function steadily(
  perSecond: number,
  until: Promise<unknown>,
  call: () => Promise<unknown>,
): Promise<number> {
  let over = false
  const end = () => {
    over = true
  }
  const ended = until.then(end, end)
  const failures: unknown[] = []
  const waits: number[] = []
  const calls: Promise<unknown>[] = []
  const began = performance.now()
  for (let made = 0; !over; made++) {
    const due = began + (made * 1000) / perSecond
    await Promise.race([wait(Math.max(0, due - performance.now())), ended])
    if (over) break
    calls.push(
      call()
        .then(() => waits.push(performance.now() - due))
        .catch((error) => failures.push(error)),
    )
    if (failures.length > 0) break
  }
  await Promise.all(calls)
  if (failures.length > 0) throw failures[0]
  await until
  waits.sort((a, b) => a - b)
  const p99 = waits[Math.ceil(waits.length * 0.99) - 1]
  if (p99 === undefined) throw new Error('it was over before a call was made')
  return p99
}

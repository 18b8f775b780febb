import { setTimeout as wait } from 'node:timers/promises'

/**
 * Makes `perSecond` calls per second until `until` settles, and does not wait for earlier responses. A load generator
 * that waits for each response sends fewer requests while the server is slow, and so hides the slow ones (coordinated
 * omission).
 * @returns the 99th percentile of the latency in milliseconds, from the time at which each call was due
 * @throws the error of the first call that fails, or the error of `until`
 */
export async function measureLatency(
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
  const latencies: number[] = []
  const calls: Promise<unknown>[] = []
  const began = performance.now()
  for (let made = 0; !over; made++) {
    const due = began + (made * 1000) / perSecond
    await Promise.race([wait(Math.max(0, due - performance.now())), ended])
    if (over) break
    calls.push(
      call()
        .then(() => latencies.push(performance.now() - due))
        .catch((error) => failures.push(error)),
    )
    if (failures.length > 0) break
  }
  await Promise.all(calls)
  if (failures.length > 0) throw failures[0]
  await until
  latencies.sort((a, b) => a - b)
  const p99 = latencies[Math.ceil(latencies.length * 0.99) - 1]
  if (p99 === undefined) throw new Error('the load ended before the first call')
  return p99
}

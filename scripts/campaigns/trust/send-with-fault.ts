import { setTimeout as wait } from 'node:timers/promises'
import { runJobsctl } from '../../launch/jobsctl.ts'
import type { Server } from '../../launch/restartable.ts'
import type { Change, Context } from './context.ts'
import type { Fault } from './faults.ts'

/** The approximate rate of a bulk change, in jobs per second. */
const usualRate = 40_000

/**
 * Sends a change to a random server and injects a fault while the change runs. The fault comes at a random number of
 * changed jobs, which the progress stream reports, or after a random time.
 */
export async function sendWithFault(context: Context, change: Change, fault: Fault): Promise<void> {
  const { random, servers } = context
  const target = random.pick(servers)
  const [other] = servers.filter((server) => server !== target)
  const program = fault.client === 'program' ? change.argv : undefined
  const byProgress = program === undefined && random.chance(0.6)
  const mark = random.between(0, 0.9) * change.jobCount
  let reached = () => {}
  const atMark = new Promise<void>((resolve) => {
    reached = resolve
  })
  const killingClient = new AbortController()
  const sent = program
    ? runJobsctl(target.url, program, { signal: killingClient.signal }).then(() => undefined)
    : change.send(target.url, {
        signal: killingClient.signal,
        ...(byProgress && { progressed: (affected) => affected >= mark && reached() }),
      })
  const begun = performance.now()
  const ended = sent.then(() => {})
  await Promise.race([ended, byProgress ? atMark : wait((mark / usualRate) * 1000 + (program ? 300 : 0))])
  // The random delay also hits the middle of a batch, since progress is reported after a batch.
  await wait(random.between(0, 120))
  const after = Math.round(performance.now() - begun)
  await fault.inject(context, {
    server: target,
    killClient: () => killingClient.abort(),
    whileSuspended: () => waitForTakeover(context, change, other ?? target),
  })
  const outcome = await Promise.race([sent, wait(60_000, 'timeout' as const)])
  if (outcome === 'timeout') {
    return context.reportViolation(`${change.name}: no response within 60 s after ${fault.name}`)
  }
  const how = outcome ? (outcome.code ?? 'done') : 'killed'
  context.log(
    `${change.name}: ${fault.name} after ${after} ms; the outcome of the call is ${how}: ${outcome?.detail ?? ''}`,
  )
}

/**
 * Sends the change to the other server until that server has completed it. In half of the cases it only waits 15 s, so
 * that nothing but the maintenance of the other server notices the suspended one.
 */
async function waitForTakeover(context: Context, change: Change, other: Server): Promise<void> {
  const began = Date.now()
  // 15 s is longer than the time after which an operation without a heartbeat counts as orphaned.
  if (context.random.chance(0.5)) return wait(15_000).then(() => {})
  for (;;) {
    const { code, detail } = await change.send(other.url)
    const seconds = Math.round((Date.now() - began) / 100) / 10
    if (code === undefined) return context.log(`${change.name}: the other server took over within ${seconds} s`)
    if (seconds > 40)
      return context.reportViolation(
        `${change.name}: the other server did not take over within 40 s: ${code}, ${detail}`,
      )
    await wait(300)
  }
}

import { until } from '../../support/poll.ts'
import type { Boss } from './boss.ts'

/** Policies of a queue, with the version that has them first. */
const policies = [
  ['standard', 10],
  ['short', 10],
  ['singleton', 10],
  ['stately', 10],
  ['exclusive', 12],
  ['key_strict_fifo', 12],
] as const

export const majorOf = (boss: Boss): number => Number(boss.version.split('.')[0])

/** The names of the queues that `sampleJobs` makes. */
export const sampleQueues = (boss: Boss): string[] => [
  'dead',
  'mail',
  'own-table',
  ...policies.filter(([, since]) => majorOf(boss) >= since).map(([policy]) => policy),
]

/**
 * Makes a queue of each policy and jobs of each state by pg-boss itself, and returns when nothing moves any more: `mail` has jobs that
 * are completed, failed, cancelled, running, waiting to be retried, deferred, and, where the version has them, blocked and in groups.
 * Failed ones have a copy in `dead`.
 */
export async function sampleJobs(boss: Boss): Promise<void> {
  const since12 = majorOf(boss) >= 12
  await boss.queue('dead')
  for (const name of sampleQueues(boss).filter((queue) => policies.some(([policy]) => policy === queue))) {
    await boss.queue(name, { policy: name, retryLimit: 0, deadLetter: 'dead' })
    for (const i of [1, 2]) await boss.send(name, { i }, { singletonKey: `key ${i}` })
  }
  await boss.queue('own-table', { partition: true })
  await boss.send('own-table', { i: 1 })
  await boss.queue('mail', { retryLimit: 0, deadLetter: 'dead' })
  for (let i = 0; i < 6; i++) {
    const options = { priority: i, ...(since12 && { group: { id: `tenant ${i % 2}` } }) }
    await boss.send('mail', { i, does: i % 3 === 0 ? 'fail' : 'end', message: `broken ${i}` }, options)
  }
  await boss.send('mail', { does: 'fail' }, { retryLimit: 1, retryDelay: 3600 })
  await boss.work('mail')
  // Two failed, one is retried in an hour, and four have ended.
  await until('the sample jobs have run', async () => {
    const runs = Object.values(await boss.runs())
    return runs.length === 7 && runs.reduce((all, { ended }) => all + ended, 0) === 4
  })
  await boss.send('mail', { does: 'hold' })
  await until('a sample job runs', async () => Object.keys(await boss.runs()).length === 8)
  // The worker that holds takes no other job.
  await boss.send('mail', { i: 8 }, { startAfter: 3600 })
  const cancelled = await boss.send('mail', { i: 9 })
  if (cancelled) await boss.call('cancel', 'mail', cancelled)
  await boss.send('mail', { i: 10 })
  if (since12)
    await boss.call('flow', [
      { ref: 'parent', name: 'mail', data: {} },
      { ref: 'child', name: 'mail', data: {}, dependsOn: ['parent'] },
    ])
}

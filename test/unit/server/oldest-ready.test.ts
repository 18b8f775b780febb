import { expect, it, vi } from 'vitest'
import { createOldestReady, queuesToRead } from '../../../server/endpoints/metrics/oldest-ready.ts'
import { statementsOf } from '../../support/sql/sql-text.ts'

const groupOf = (queue: string, queued = 1) => ({
  ...{ domain: 'd', queue, job_type: 'export' },
  ...{ queued, scheduled: 0, processing: 0, quarantined: 0 },
})
const hasQueue = ({ queue }: { queue: string }) => queue.startsWith('known')

it('of many queues where jobs wait, those with series are read, and 1,000 others, each once', () => {
  const others = Array.from({ length: 3000 }, (_, at) => groupOf(`later-${at}`))
  const known = Array.from({ length: 900 }, (_, at) => groupOf(`known-${at}`))
  const groups = [...others, ...known, ...known, groupOf('known-and-empty', 0)]
  const queues = queuesToRead(groups, { hasQueue }).map(({ queue }) => queue)
  expect(queues).toEqual([...known, ...others.slice(0, 1000)].map(({ queue }) => queue))
})

it('after a look that took too long the next one is made a minute later', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const oldestReady = createOldestReady()
    const look = async () =>
      (await statementsOf((sql) => oldestReady.read(sql, [groupOf('known')], { hasQueue }))).length
    expect(await look()).toBe(1)
    oldestReady.tookTooLong()
    expect(await look()).toBe(0)
    vi.advanceTimersByTime(59_000)
    expect(await look()).toBe(0)
    vi.advanceTimersByTime(2000)
    expect(await look()).toBe(1)
  } finally {
    vi.useRealTimers()
  }
})

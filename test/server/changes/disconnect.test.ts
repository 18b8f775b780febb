import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

/** Begins a prune, and hangs up some time after its first line of progress. */
function hangUp(domain: string, afterMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...{ 'X-API-KEY': world.key, 'X-Confirm': 'true' },
      ...{ 'Content-Type': 'application/json', Accept: 'application/x-ndjson' },
    }
    const sent = request(`${world.url}${paths.prune}`, { method: 'POST', headers }, (response) => {
      response.on('error', () => {})
      response.once('data', () => sleep(afterMs).then(() => resolve(void sent.destroy())))
    })
    sent.once('error', reject)
    sent.end(JSON.stringify({ domain, rate: 200 }))
  })
}

it('a change stops after its batch, whenever its caller hangs up', async () => {
  const domains = Array.from({ length: 16 }, (_, n) => `domain-${n}`)
  await world.sql`
    insert into jobs (domain, queue, job_type, status, created_at, completed_at)
    select domain, 'q', 't', 'completed', now() - interval '90 days', now() - interval '90 days'
    from unnest(${domains}::text[]) as domain, generate_series(1, 1500)`
  for (const [n, domain] of domains.entries()) await hangUp(domain, n * 20)
  const ended = await until('all changes have ended', async () => {
    const rows = await world.sql<{ state: string; error: string | null }[]>`
      select state, error from job_operations order by id`
    return rows.every(({ state }) => state !== 'running') ? rows : undefined
  })
  expect(ended.map(({ error }) => error)).toEqual(domains.map(() => 'the caller disconnected'))
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureClusters } from '../../../shared/endpoints.ts'
import { holding, otherProgram } from '../../support/changes/bulk-tools.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

const failures = 100_050

describe('clusters of more failures than are read', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.sql`
      insert into jobs (domain, queue, job_type, status, error_message, completed_at)
      select 'large', 'q', 't', 'failed', 'disk is full', now() - n * interval '1 second'
      from generate_series(1, ${failures}::int) as n`
    await world.sql`
      insert into jobs (domain, queue, job_type, status, error_message, completed_at)
      select 'olddom', 'q', 't', 'failed', 'disk is full', now() - interval '100 days' - n * interval '1 second'
      from generate_series(1, 25) as n`
    await world.sql`analyze jobs`
  })
  afterAll(() => world?.stop())

  const ask = async (query: string) => {
    const { status, body, headers } = await world.call('GET', `${failureClusters.path}?${query}`)
    expect({ status, body }).toMatchObject({ status: 200 })
    return { ...failureClusters.output.parse(body), headers }
  }

  it('are exact in a domain whose failures are older than 100,000 of others', async () => {
    const { clusters, not_read, headers } = await ask('domain=olddom')
    expect(clusters).toMatchObject([{ count: 25, at_least: false }])
    expect(not_read).toEqual([])
    expect(headers).toMatchObject({ 'x-complete': 'true', 'x-scanned': '25' })
    const { code, out, err } = await world.jobsctl(['clusters', '--domain', 'olddom'])
    expect({ code, count: out.split('\t')[3], err }).toEqual({ code: 0, count: '25', err: '' })
  })

  it('are lower bounds, and tell before which time failures were not read; the command in the note reads them', async () => {
    const { clusters, not_read, headers } = await ask('domain=large')
    expect(clusters).toMatchObject([{ count: 100_001, at_least: true }])
    expect(not_read).toEqual([{ state: 'failed', before: expect.any(String) }])
    expect(headers['x-complete']).toBe('false')
    const { err } = await world.jobsctl(['clusters', '--domain', 'large'])
    const [, older = ''] = /lower bounds; to read them: jobsctl (.+)/.exec(err) ?? []
    const { out } = await world.jobsctl(older.split(' '))
    expect(out.split('\n')).toHaveLength(2)
    expect(out.split('\t').slice(1, 4)).toEqual(['failed', '', String(failures - 100_001 + 1)])
  })

  it('are those among the newest of all where the search in the scope takes too long, and the rest is told', async () => {
    const other = otherProgram(world, 1)
    const isWaiting = async (unlike = '') => {
      const [row] = await world.sql<{ since: string }[]>`
        select query_start::text as since from pg_stat_activity
        where wait_event_type = 'Lock' and query like '%grouped as materialized%'`
      return row && row.since !== unlike ? row.since : undefined
    }
    const release = await holding(other, (tx) => tx`lock table jobs in access exclusive mode`)
    const asked = ask('domain=olddom&status=failed')
    const first = await until('the search waits', () => isWaiting())
    await until('the second search waits', () => isWaiting(first))
    await release()
    const { clusters, not_read } = await asked
    expect(clusters).toEqual([])
    expect(not_read).toMatchObject([{ state: 'failed' }])
    await other.end()
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const kinds = {
  numbers: {
    type: 'numeric',
    zone: 'UTC',
    values: ['1e400', '-1e400', '1e-400', '9224318015999.9999999', 'NaN', 'Infinity', '-Infinity'],
  },
  floats: { type: 'float8', zone: 'UTC', values: ['1e308', '-1e308', '1e-300', 'NaN', 'Infinity', '-Infinity'] },
  singles: { type: 'float4', zone: 'UTC', values: ['1e38', '-1e38', '1e-30', 'NaN', 'Infinity', '-Infinity'] },
  whole: { type: 'bigint', zone: 'UTC', values: ['9223372036854775807', '-9223372036854775808', '9224318015999'] },
  west: {
    type: 'timestamp',
    zone: 'America/New_York',
    values: ['294276-12-31 23:59:59', '4714-11-24 00:00:00 BC', 'infinity', '-infinity'],
  },
  east: {
    type: 'timestamp',
    zone: 'Asia/Tokyo',
    values: ['294276-12-31 23:59:59', '4714-11-24 00:00:00 BC', 'infinity', '-infinity'],
  },
  days: { type: 'date', zone: 'Asia/Tokyo', values: ['5874897-12-31', '4714-11-24 BC', 'infinity', '-infinity'] },
  exact: {
    type: 'timestamptz',
    zone: 'UTC',
    values: ['294276-12-31 23:59:59+00', '4714-11-24 00:00:00+00 BC', 'infinity', '-infinity'],
  },
} as const
type Kind = keyof typeof kinds
const names = Object.keys(kinds) as Kind[]
const states = ['waits', 'runs', 'done', 'dead'] as const

const mapOf = (name: Kind) => `
  - table: app.${name}
    domain: ${name}
    key: id
    queue: ${name}
    status: {column: state, map: {waits: queued, runs: processing, done: completed, dead: failed, off: cancelled}}
    times: {created: made, due: due, started: started, lease: lease, ended: ended}
    zone: ${kinds[name].zone}
    priority: {column: rank}
    locked_by: {column: worker}
    retry: {set: {state: waits, ended: null}}
    cancel: {set: {state: off, ended: now()}}
    prune: {of: [completed, failed]}`

/** A job of each state for each value, which all of its times have. */
const tableOf = (name: Kind) => `
  create table app.${name} (
    id text primary key, state text, made ${kinds[name].type}, due ${kinds[name].type}, started ${kinds[name].type}, lease ${kinds[name].type},
    ended ${kinds[name].type}, rank int default 5, worker text
  );
  insert into app.${name}
  select state || at, state, value, value, value, value, case when state in ('done', 'dead') then value end, 5, 'w'
  from unnest(array['${kinds[name].values.join("','")}']::${kinds[name].type}[]) with ordinality as v (value, at)
  cross join unnest(array['${states.join("','")}']) as state`

const Listed = z.array(z.object({ id: z.string() }))
const Counted = z.array(
  z.looseObject({ queued: z.number(), scheduled: z.number(), processing: z.number(), failed: z.number() }),
)
const Changed = z.looseObject({ operation_id: z.number() })

describe('mapped tables with times that PostgreSQL or its zone cannot tell', () => {
  let served: ServedTables
  beforeAll(async () => {
    const make = (sql: ServedTables['sql']) => sql.unsafe(`create schema app; ${names.map(tableOf).join(';')}`)
    served = await serveMapped(`tables:${names.map(mapOf).join('')}`, make)
  })
  afterAll(() => served.close())

  const rows = async (name: Kind) => [
    ...(await served.sql`select t::text as row from ${served.sql(`app.${name}`)} as t order by id`),
  ]

  it.each(names)('%s: every read has every job', async (domain) => {
    const of = kinds[domain].values.length
    const keys = states.flatMap((state) => kinds[domain].values.map((_, at) => `${domain}/${state}${at + 1}`))
    for (const sort_by of ['created_at', 'ended_at'])
      for (const sort_order of ['asc', 'desc']) {
        const { status, body } = await served.get('/api/v1/jobs/list', {
          ...{ domain, sort_by, sort_order, limit: '100' },
          ...(sort_by === 'ended_at' && { status: 'completed' }),
        })
        expect({ status, sort_by, sort_order }).toEqual({ status: 200, sort_by, sort_order })
        const found = Listed.parse(body).map(({ id }) => id)
        expect(found.sort()).toEqual(keys.filter((key) => sort_by === 'created_at' || key.includes('/done')).sort())
      }
    const [counts] = Counted.parse((await served.get('/api/v1/jobs/stats', { domain })).body)
    expect({ ...counts, queued: (counts?.queued ?? 0) + (counts?.scheduled ?? 0) }).toMatchObject({
      ...{ queued: of, processing: of, failed: of },
    })
    for (const key of keys) {
      const shown = await served.get('/api/v1/jobs/job', { key, domain })
      expect({ key, status: shown.status }).toEqual({ key, status: 200 })
      const explained = await served.get('/api/v1/jobs/job/explain', { key })
      expect({ key, ...explained }).toMatchObject({ key, status: 200 })
    }
    for (const path of ['workers', 'history', 'overview', 'clusters', 'stale', 'scale', 'queues/explain']) {
      const ofQueue = ['scale', 'queues/explain'].includes(path) && { queue: domain }
      expect({ path, ...(await served.get(`/api/v1/jobs/${path}`, { domain, ...ofQueue })) }).toMatchObject({
        ...{ path, status: 200 },
      })
    }
  })

  it.each(names)('%s: every change is previewed, made and given back', async (domain) => {
    const before = await rows(domain)
    const changes = [
      ['prune', { older_than_days: 1, statuses: ['completed', 'failed'] }],
      ['batch/retry', {}],
      ['batch/cancel', { status: 'queued' }],
      ['batch/priority', { priority: 2 }],
    ] as const
    for (const [path, body] of changes) {
      const previewed = await served.post(path, { domain, ...body, dry_run: true })
      expect({ path, ...previewed }).toMatchObject({ path, status: 200 })
      const changed = await served.post(path, { domain, ...body })
      expect({ path, ...changed }).toMatchObject({ path, status: 200 })
      const { operation_id } = Changed.parse(changed.body)
      const undone = await served.post(`operations/${operation_id}/undo`, {})
      expect({ path, ...undone }).toMatchObject({ path, status: 200, body: { conflict_count: 0 } })
      expect(await rows(domain)).toEqual(before)
    }
    const moved = await served.post('batch/reschedule', { domain, by_seconds: 60, dry_run: true })
    expect(moved).toMatchObject({ status: 200 })
  })
})

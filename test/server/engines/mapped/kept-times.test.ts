import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const mapOf = (name: string) => `
  - table: app.${name}
    domain: ${name}
    key: id
    queue: q
    status: {column: state, map: {waits: queued, done: completed}}
    times: {created: created_at, due: run_at}`

const types = { days: 'date', whole: 'timestamp(0)', zoned: 'timestamptz(0)', exact: 'timestamptz', seconds: 'bigint' }
const near = 'its column keeps no time that is so near to the one it has'
const infinite = 'its time is infinite, or near the end of the times that PostgreSQL has'
const later = '2031-05-01T00:00:00.4Z'

/** A trigger that leaves every row as it is to be. */
const harmless = `create function app.harmless() returns trigger language plpgsql as 'begin return new; end'`

const tableOf = ([name, type]: [string, string]) => `
  create table app.${name} (id text primary key, state text, created_at timestamptz not null default '2020-01-01Z', run_at ${type});
  insert into app.${name} values ('a', 'waits', default, ${type === 'bigint' ? `extract(epoch from timestamptz '2030-01-01Z')` : `'2030-01-01 00:00Z'`});
  insert into app.${name} values ('z', 'waits', default, ${type === 'bigint' ? '9223372036854775807' : `'infinity'`});
  create trigger harmless before update on app.${name} for each row execute function app.harmless()`

describe('a reschedule of mapped jobs whose column does not keep every time', () => {
  let served: ServedTables
  beforeAll(async () => {
    const names = Object.entries(types)
    const fill = (sql: postgres.Sql) =>
      sql.unsafe(`set timezone to 'UTC'; create schema app; ${harmless}; ${names.map(tableOf).join(';')}`)
    served = await serveMapped(`tables:${names.map(([name]) => mapOf(name)).join('')}`, fill)
  })
  afterAll(() => served.close())

  const times = async (name: string) => [
    ...(await served.sql`select id, run_at::text from ${served.sql(`app.${name}`)} order by id`),
  ]
  const reschedule = (domain: string, body: object) => served.post('batch/reschedule', { domain, ...body })

  it.each([
    ['days', { by_seconds: 60 }, 0, [near, infinite]],
    ['days', { by_seconds: 86_400 }, 1, [infinite]],
    ['whole', { by_seconds: 60 }, 1, [infinite]],
    ['zoned', { by_seconds: 60 }, 1, [infinite]],
    ['exact', { by_seconds: 60 }, 1, [infinite]],
    ['seconds', { by_seconds: 60 }, 1, [infinite]],
    ['exact', { by_seconds: 0 }, 0, [near, infinite]],
  ])(
    '%s by %o moves as many jobs as it previews, and says why it leaves the others',
    async (domain, body, moved, reasons) => {
      const before = await times(domain)
      const refused = reasons.map((reason) => expect.objectContaining({ reason }))
      const answer = { status: 200, body: { affected: moved, refused_count: reasons.length, refused } }
      expect(await reschedule(domain, { ...body, dry_run: true })).toMatchObject(answer)
      expect(await reschedule(domain, body)).toMatchObject(answer)
      const after = await times(domain)
      expect(after.filter((row, at) => JSON.stringify(row) !== JSON.stringify(before[at]))).toHaveLength(moved)
    },
  )

  it.each(['days', 'whole', 'zoned', 'seconds'])(
    '%s: jobs that have a time as near as their column keeps it move once',
    async (domain) => {
      expect(await reschedule(domain, { available_at: later })).toMatchObject({ body: { affected: 2 } })
      expect(await reschedule(domain, { available_at: later, dry_run: true })).toMatchObject({ body: { affected: 0 } })
      expect(await reschedule(domain, { available_at: later })).toMatchObject({ status: 200, body: { affected: 0 } })
    },
  )
})

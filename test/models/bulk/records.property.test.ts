import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { getOperation, listOperations } from '../../../shared/records/records.ts'
import {
  ask,
  at,
  type Change,
  changes,
  clearAll,
  doneOf,
  expectIntact,
  isIntact,
  previewOf,
  prune,
} from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '3', PROPERTY_SEED: seed } = process.env
const timeout = 300_000 + Number(runs) * 5000

const step = fc.oneof(
  fc.record({
    change: fc.constantFrom(...changes),
    size: fc.integer({ min: 0, max: 3 }),
    by: fc.constantFrom('nothing', 'preview', 'key', 'small max'),
  }),
  fc.record({ undo: fc.nat(5) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Every column of a record: no alteration of any of them goes unnoticed. */
const columns = [
  ...['id', 'kind', 'domain', 'queue', 'job_type', 'filters', 'as_of', 'seen', 'caller', 'reason', 'request_id'],
  ...[
    'idempotency_key',
    'request_hash',
    'preview_id',
    'previewed',
    'affected',
    'skipped_locked',
    'batches',
    'counts',
    'answer',
  ],
  ...[
    'state',
    'error',
    'started_at',
    'touched_at',
    'ended_at',
    'undoes',
    'undone_by',
    'ended_as',
    'day',
    'number',
    'hash',
  ],
]

describe.each(kinds)('the records on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it('say what the tables hold, in one chain, whatever was done', { timeout }, async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      await clearAll(world)
      for (const [nth, step] of steps.entries()) await take(world, step, `key ${nth}`)
      await expectAsStored(world)
      await expectIntact(world)
    })
    await fc.assert(property, { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) })
  })

  it('show any alteration of any of them', { timeout }, async () => {
    await history(world)
    await keepRecords(world)
    const ids = (await stored(world)).map(({ id }) => id)
    for (const id of ids) {
      for (const column of columns) expect(await isNoticed(world, altered(column, id)), `${column} of ${id}`).toBe(true)
      expect(await isNoticed(world, `delete from job_operations where id = ${id}`), `${id} is gone`).toBe(true)
    }
    await expectIntact(world)
  })

  it('show one that was put in, two that were exchanged, and an undo that was struck out', async () => {
    await history(world)
    await keepRecords(world)
    const kinds = `kind, filters, as_of, seen, caller, request_hash, state, started_at, ended_at, ended_as, day`
    const tamperings = {
      'one put in': `insert into job_operations (${kinds}, number, hash) select ${kinds}, number + 1, md5('x') from job_operations order by id desc limit 1`,
      'one put in without a seal': `insert into job_operations (${kinds.replace(', day', '')}) select ${kinds.replace(', day', '')} from job_operations limit 1`,
      'numbers exchanged': `update job_operations set number = 3 - number where number in (1, 2)`,
      'seals exchanged': `update job_operations o set hash = (select hash from job_operations where number = 3 - o.number) where number in (1, 2)`,
      'all gone': 'delete from job_operations',
      'the last gone, and the day shorter': `with last as (delete from job_operations where id = (select max(id) from job_operations) returning day)
        update job_operation_days set length = length - 1 where day = (select day from last)`,
      'the last gone, and the day set back': `with last as (delete from job_operations where id = (select max(id) from job_operations) returning day, number)
        update job_operation_days set length = length - 1,
          head = (select hash from job_operations o, last where o.day = last.day and o.number = last.number - 1)
        where day = (select day from last)`,
      'both tables empty': 'delete from job_operations; delete from job_operation_days',
      'an undo struck out': `update job_operations set state = ended_as, undone_by = null where state = 'undone'`,
    }
    for (const [name, tampering] of Object.entries(tamperings))
      expect(await isNoticed(world, tampering), name).toBe(true)
    await expectIntact(world)
  })

  it('show any alteration of their days', async () => {
    await history(world)
    await keepRecords(world)
    const values = { day: `day - 1`, previous: `'x'`, head: `previous || 'x'` }
    for (const [column, value] of Object.entries(values)) {
      expect(await isNoticed(world, `update job_operation_days set ${column} = ${value}`), column).toBe(true)
    }
    for (const by of ['+ 1', '- 1', '* 0', '+ 100']) {
      expect(await isNoticed(world, `update job_operation_days set length = length ${by}`), `length ${by}`).toBe(true)
    }
    expect(await isNoticed(world, 'delete from job_operation_days')).toBe(true)
    await expectIntact(world)
  })
})

/** One of each kind, one of them undone. */
async function history(world: World): Promise<void> {
  for (const change of changes) await take(world, { change, size: 2, by: 'preview' }, '')
  await take(world, { undo: 0 }, '')
  await take(world, { change: prune, size: 1, by: 'key' }, 'the key')
}

async function take(world: World, step: Step, key: string): Promise<void> {
  if ('undo' in step) {
    const [records] = [(await stored(world)).filter(({ kind }) => !['undo', 'integrity', 'reclaim'].includes(kind))]
    const record = records[step.undo % (records.length || 1)]
    if (record) doneOf(await world.confirm(at.undo(record.id), {}))
    return
  }
  const { change, size, by } = step
  await world.jobs(size, change.wanted)
  doneOf(
    await byWay(world, change, { by, key }).then((answer) =>
      answer.status === 412 ? { ...answer, status: 200, body: {} } : answer,
    ),
  )
}

async function byWay(world: World, change: Change, { by, key }: { by: string; key: string }) {
  if (by === 'preview') return ask(world, change, { preview_token: (await previewOf(world, change)).token })
  if (by === 'key') return ask(world, change, {}, { 'idempotency-key': key, 'x-reason': 'why not' })
  return ask(world, change, by === 'nothing' ? {} : { max: 1 })
}

const stored = async ({ sql }: World) =>
  sql<
    { id: number; kind: string; state: string; affected: number; caller: string; undoes: number | null; hash: string }[]
  >`
    select id, kind, state, affected, caller, undoes, hash from job_operations order by id desc`

/** The list, page by page, and each record by itself. */
async function expectAsStored(world: World): Promise<void> {
  const rows = await stored(world)
  const pages = []
  for (let before = ''; ; ) {
    const page = listOperations.output.parse((await world.call('GET', `${at.list}?limit=2${before}`)).body)
    pages.push(...page)
    const last = page.at(-1)
    if (!last) break
    before = `&before_id=${last.id}`
  }
  expect(pages).toMatchObject([...rows])
  for (const row of rows) {
    const { now, ...record } = getOperation.output.parse((await world.call('GET', at.get(row.id))).body)
    expect(record).toEqual(pages.find(({ id }) => id === row.id))
    const jobs = Object.values(now).reduce((sum, count) => sum + count, 0)
    if (record.undone_by === null && ['prune', 'requeue'].includes(row.kind)) expect(jobs).toBe(row.affected)
  }
  const events = await world.events()
  expect(events.map(({ attrs_json }) => attrs_json.operation)).toEqual(
    rows
      .filter(({ affected }) => affected > 0)
      .map(({ id }) => id)
      .reverse(),
  )
}

const altered = (column: string, id: number): string => {
  const by: Record<string, string> = {
    ...{ state: `case state when 'failed' then 'done' else 'failed' end`, day: 'day + 1', number: 'number + 100' },
    ...{
      filters: `filters || '{"x": 1}'`,
      counts: `counts || '{"x": 1}'`,
      answer: `coalesce(answer, '{}') || '{"x": 1}'`,
    },
    ...Object.fromEntries(
      ['as_of', 'started_at', 'touched_at', 'ended_at'].map((time) => [time, `${time} + interval '1 microsecond'`]),
    ),
    ...Object.fromEntries(
      ['id', 'previewed', 'undoes', 'undone_by'].map((name) => [name, `coalesce(${name}, 0) + 1000`]),
    ),
    ...Object.fromEntries(['affected', 'skipped_locked', 'batches'].map((name) => [name, `${name} + 1`])),
  }
  return `update job_operations set ${column} = ${by[column] ?? `coalesce(${column}, '') || ' '`} where id = ${id}`
}

const tables = ['job_operations', 'job_operation_days']

/** Keeps the records as they are, for `isNoticed`. */
async function keepRecords({ sql }: World): Promise<void> {
  for (const table of tables)
    await sql.unsafe(`drop table if exists kept_${table}; create table kept_${table} as table ${table}`)
}

/** Whether this shows; then the records are again as `keepRecords` kept them. */
async function isNoticed(world: World, tampering: string): Promise<boolean> {
  await world.sql.unsafe(tampering)
  const noticed = !(await isIntact(world))
  for (const table of tables) await world.sql.unsafe(`delete from ${table}; insert into ${table} table kept_${table}`)
  return noticed
}

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { takeLock } from '../../server/database/advisory-locks.ts'
import type { Pool, Sql } from '../../server/database/sql.ts'
import { stats } from '../../server/endpoints/queues/stats.ts'
import { stats as endpoint } from '../../shared/endpoints.ts'
import { kinds } from '../support/database/database.ts'
import { countByHand, countsOf, expectRight } from '../support/observe/counts.ts'
import { until } from '../support/poll.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '5', PROPERTY_SEED: seed } = process.env

const status = fc.constantFrom('queued', 'queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined')
/** Seconds from now, so that no job falls due while it is looked at; or never, or at once. */
const due = fc.oneof(
  fc.constantFrom(null, 'infinity', '-infinity'),
  fc.integer({ min: -100_000, max: -60 }),
  fc.integer({ min: 600, max: 40 * 86_400 }),
)
const third = fc.nat(2)

/** What a writer says, of some of the jobs. */
const statement = fc.oneof(
  fc.record({ do: fc.constant('insert' as const), n: fc.integer({ min: 1, max: 30 }), from: fc.nat(5), status, due }),
  fc.record({ do: fc.constant('move' as const), third, status }),
  fc.record({ do: fc.constant('put off' as const), third, due }),
  fc.record({ do: fc.constant('regroup' as const), third, to: fc.constantFrom('a', 'b') }),
  fc.record({ do: fc.constant('delete' as const), third, status }),
  fc.record({ do: fc.constant('touch' as const), third }),
  fc.record({ do: fc.constant('clear' as const), from: fc.nat(5) }),
  fc.record({ do: fc.constant('move away' as const), third, from: fc.nat(5), status }),
)
type Statement = typeof statement extends fc.Arbitrary<infer T> ? T : never

const transaction = fc.record({
  isolation: fc.constantFrom('read committed', 'repeatable read', 'serializable'),
  statements: fc.array(statement, { minLength: 1, maxLength: 4 }),
  /** Takes back what it did since a savepoint, or all of it. */
  ends: fc.constantFrom('commit', 'commit', 'rollback', 'rollback to savepoint'),
})
type Transaction = typeof transaction extends fc.Arbitrary<infer T> ? T : never

const writers = fc.array(fc.array(transaction, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })

const timeOf = (due: number | string | null) =>
  typeof due === 'number' ? new Date(Date.now() + due * 1000).toISOString() : due

function run(sql: Sql, statement: Statement) {
  const some = 'third' in statement ? sql`id % 3 = ${statement.third}` : sql``
  switch (statement.do) {
    case 'insert':
      return sql`
        insert into jobs (domain, queue, job_type, status, available_at)
        select 'd' || (n + ${statement.from}::int) % 6, 'q', 't', ${statement.status}, ${timeOf(statement.due)}::text::timestamptz
        from generate_series(1, ${statement.n}::int) n`
    case 'move':
      return sql`update jobs set status = ${statement.status} where ${some} and id % 2 = 0`
    case 'put off':
      return sql`update jobs set available_at = ${timeOf(statement.due)}::text::timestamptz where ${some}`
    case 'regroup':
      return sql`update jobs set domain = ${statement.to}, job_type = ${statement.to} where ${some}`
    case 'delete':
      return sql`delete from jobs where ${some} and status = ${statement.status}`
    case 'touch':
      return sql`update jobs set progress_percent = 50 where ${some}`
    case 'clear':
      return sql`delete from jobs where domain = 'd' || ${statement.from}::int`
    case 'move away':
      return sql`update jobs set status = ${statement.status}, domain = 'd' || ${statement.from}::int where ${some}`
  }
}

/** Two that change the same may fail, each as a whole: that is for the database to decide, and the counts follow. */
const carryOut = (sql: Pool, { isolation, statements, ends }: Transaction) =>
  sql
    .begin(`isolation level ${isolation}`, async (tx) => {
      for (const [nth, statement] of statements.entries()) {
        if (nth === 0 || ends !== 'rollback to savepoint') await run(tx, statement)
        else await tx.savepoint((point) => takenBack(point, statement)).catch(() => {})
      }
      if (ends === 'rollback') throw new Error('taken back')
    })
    .catch(() => {})

async function takenBack(sql: Sql, statement: Statement): Promise<void> {
  await run(sql, statement)
  throw new Error('taken back')
}

/** What a server of an earlier version does: it deletes the zeros of all groups, and says that the counts are right. */
const compareAsEarlier = (sql: Pool) =>
  sql.begin(async (tx) => {
    await tx`select set_config('jobsctl.counting', 'on', true), ${takeLock(tx, 'counts')}`
    await tx`delete from jobsctl_counts where queued = 0 and processing = 0 and quarantined = 0`
    await tx`update jobsctl_counting set checked_at = now()`
  })

/** Whether stats take the groups from the counts, in a snapshot in which they say what a plain count of the jobs says. */
const listedInSnapshot = (sql: Pool) =>
  sql.begin('isolation level repeatable read', async (tx) => {
    const counted = endpoint.output.parse(await stats({ sql: tx }, {}))
    expect(counted).toEqual(await countByHand(tx))
    const [row] = await tx<[{ listed: boolean }]>`
      select coalesce(listed_at = checked_at, false) as listed from jobsctl_counting`
    return row.listed
  })

describe.each(kinds)('the counts behind stats on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
    await until('the counts are kept', async () => (await countsOf(world)).kept)
  })
  afterAll(() => world?.stop())

  it('are those of the jobs at every moment, whoever writes what beside whom', async () => {
    const snapshots = { listed: 0, unlisted: 0 }
    let turn = 0
    await fc.assert(
      fc.asyncProperty(writers, async (all) => {
        let writing = true
        const looking = (async () => {
          for (; writing; turn += 1) {
            if (turn % 2 === 1) await compareAsEarlier(world.sql)
            else expect(await countsOf(world)).toMatchObject({ kept: true, wrong: 0 })
            snapshots[(await listedInSnapshot(world.sql)) ? 'listed' : 'unlisted'] += 1
          }
        })()
        await Promise.all(
          all.map(async (transactions) => {
            for (const transaction of transactions) await carryOut(world.sql, transaction)
          }),
        )
        writing = false
        await looking
        await expectRight(world)
        await world.sql`delete from jobs where id % 7 <> 0`
        await expectRight(world)
        // A comparison removes groups without jobs. The server may add up what is left of them right after one.
        await until('no group without jobs is left', async () => {
          await countsOf(world)
          const zeros = await world.sql`
            select domain from jobsctl_counts where queued = 0 and processing = 0 and quarantined = 0 and span = ''
            except
            select domain from jobs`
          return zeros.length === 0
        })
        expect(await listedInSnapshot(world.sql)).toBe(true)
      }),
      { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) },
    )
    expect(Math.min(snapshots.listed, snapshots.unlisted)).toBeGreaterThan(0)
  })
})

import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Pool, Sql } from '../../server/database/sql.ts'
import { kinds } from '../support/database/database.ts'
import { call } from '../support/http.ts'
import { expectExact, expectRightNow, untilKept, watchRows } from '../support/observe/history.ts'
import { type ServerProcess, spawnServer } from '../support/programs/spawn-server.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '4', PROPERTY_SEED: seed } = process.env

const status = fc.constantFrom('queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined')
const third = fc.nat(2)
/** Seconds before now, also of the future. */
const seconds = fc.oneof(fc.integer({ min: -100, max: 200_000 }), fc.constantFrom(0, 1, 10, 60))

/** What a program writes by SQL, to some of the jobs. */
const statement = fc.oneof(
  fc.record({ do: fc.constant('insert' as const), n: fc.integer({ min: 1, max: 40 }), status, seconds }),
  fc.record({ do: fc.constant('move' as const), third, status }),
  fc.record({ do: fc.constant('lease' as const), third, seconds }),
  fc.record({ do: fc.constant('lease again' as const), third, seconds }),
  fc.record({ do: fc.constant('end' as const), third, seconds }),
  fc.record({ do: fc.constant('renew' as const), third }),
  fc.record({ do: fc.constant('regroup' as const), third }),
  fc.record({ do: fc.constant('delete' as const), third }),
)
type Statement = typeof statement extends fc.Arbitrary<infer T> ? T : never

const written = fc.record({
  isolation: fc.constantFrom('read committed', 'repeatable read', 'serializable'),
  statements: fc.array(statement, { minLength: 1, maxLength: 4 }),
  ends: fc.constantFrom('commit', 'commit', 'rollback'),
  /** It commits after what the others do: the servers have added up minutes that it changes. */
  late: fc.boolean(),
})
type Written = typeof written extends fc.Arbitrary<infer T> ? T : never

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('sql' as const), written }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('worker' as const),
      n: fc.integer({ min: 1, max: 5 }),
      fails: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function run(sql: Sql, statement: Statement) {
  const some = 'third' in statement ? sql`id % 3 = ${statement.third}` : sql``
  const at = 'seconds' in statement ? sql`now() - ${statement.seconds}::int * interval '1 second'` : sql``
  switch (statement.do) {
    case 'insert':
      return sql`
        insert into jobs (domain, queue, job_type, status, available_at, created_at)
        select 'd' || n % 3, 'q', 't', ${statement.status}, case n % 3 when 0 then ${at} when 1 then '-infinity' end, ${at}
        from generate_series(1, ${statement.n}::int) n`
    case 'move':
      return sql`update jobs set status = ${statement.status} where ${some} and id % 2 = 0`
    case 'lease':
      return sql`
        update jobs set status = 'processing', lease_id = gen_random_uuid()::text, acquired_at = ${at}, leased_until = now()
        where ${some} and status = 'queued'`
    case 'lease again':
      return sql`
        update jobs set lease_id = gen_random_uuid()::text, acquired_at = ${at} where ${some} and status = 'processing'`
    case 'end':
      return sql`update jobs set status = 'completed', completed_at = ${at} where ${some} and status = 'processing'`
    case 'renew':
      return sql`update jobs set leased_until = now() + interval '1 minute', progress_percent = 50 where ${some}`
    case 'regroup':
      return sql`update jobs set domain = 'moved', job_type = 'moved' where ${some}`
    case 'delete':
      return sql`delete from jobs where ${some}`
  }
}

/** Two that change the same may fail, each as a whole: that is for the database to decide, and the history follows. */
const carryOut = (sql: Pool, { isolation, statements, ends }: Written, before: Promise<unknown>) =>
  sql
    .begin(`isolation level ${isolation}`, async (tx) => {
      // A late transaction holds its rows until all others have ended.
      await tx`select set_config('lock_timeout', '200ms', true)`
      for (const statement of statements) await run(tx, statement)
      await before
      if (ends === 'rollback') throw new Error('taken back')
    })
    .catch(() => {})

/** The session of a look is one of those that are ended, or waits behind one. */
function unlessLost(error: unknown): void {
  if (!/^(ECONN|EPIPE|CONNECTION_|57P0)/.test(String(Object(error).code))) throw error
}

describe.each(kinds)('the history of jobs on %s', (kind) => {
  let world: World
  let second: ServerProcess | undefined
  let restarted: Promise<void> = Promise.resolve()
  beforeAll(async () => {
    world = await openWorld(kind)
    await untilKept(world)
    await watchRows(world.sql)
    if (kind === 'postgres') second = await spawnServer(world.env)
  })
  afterAll(async () => {
    await restarted.catch(() => {})
    await second?.kill()
    await world?.stop()
  })

  /** A worker takes jobs over HTTP and ends them. Its calls may fail, since its server may be killed meanwhile. */
  const work = async (n: number, fails: boolean) => {
    const urls = [world.url, ...(second ? [second.url] : [])]
    const url = urls[n % urls.length] ?? world.url
    const post = async (path: string, body: unknown) =>
      (await call({ url, method: 'POST', path: `/api/v1/jobs${path}`, body, headers: { 'x-api-key': world.key } })).body
    const scope = { domain: 'd0', queue: 'default' }
    for (let nth = 0; nth < n; nth++) await post('', { ...scope, job_type: 't', payload: {} })
    const taken: unknown = await post('/acquire', { ...scope, worker_id: 'w', limit: n })
    const leased = [Object(taken).jobs ?? []].flat()
    for (const { id, lease_id } of leased)
      await post(`/${id}/${fails ? 'fail' : 'complete'}`, {
        worker_id: 'w',
        lease_id,
        ...(fails && { error: 'broke' }),
      })
  }

  /** Ends the session of a server in the middle of adding up, where it finds one. */
  const cut = async () => {
    for (let looks = 0, found = 0; found === 0 && looks < 200; looks++)
      found = (
        await world.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and query like '%with deleted as%jobsctl_transitions%'`
      ).count
  }

  /** One restart after another: each kills the server that the one before has started. */
  const restart = () => {
    restarted = restarted.then(async () => {
      await second?.kill()
      second = await spawnServer(world.env)
    })
    return restarted
  }

  const take = async (step: Step, others: Promise<unknown>): Promise<void> => {
    if (step.kind === 'sql')
      await carryOut(world.sql, step.written, step.written.late && kind === 'postgres' ? others : Promise.resolve())
    if (step.kind === 'worker') await work(step.n, step.fails).catch(() => {})
    if (kind !== 'postgres') return
    if (step.kind === 'cut') await cut().catch(() => {})
    if (step.kind === 'kill') await restart()
  }

  it('has each transition once at every moment, whoever writes, commits late or dies', {
    timeout: 600_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
        const late = steps.filter((step) => step.kind === 'sql' && step.written.late)
        const others = Promise.all(
          steps.filter((step) => !late.includes(step)).map((step) => take(step, Promise.resolve())),
        )
        const waiting = late.slice(0, 2).map((step) => take(step, others))
        let writing = true
        const looking = (async () => {
          while (writing) await expectRightNow(world.sql).catch(unlessLost)
        })()
        const written = Promise.all([others, ...waiting]).finally(() => {
          writing = false
        })
        // A look that fails ends the story, and no writer goes on beside the next one.
        await Promise.allSettled([written, looking])
        await Promise.all([written, looking])
        await expectExact(world)
      }),
      { numRuns: Number(runs), ...(seed && { seed: Number(seed) }) },
    )
  })
})

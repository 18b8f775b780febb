import fc from 'fast-check'
import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const { PROPERTY_RUNS: runs = '40', PROPERTY_SEED: seed } = process.env

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('redrive', 'retry', 'resume', 'cancel', 'prune') }),
    fc.record({ do: fc.constantFrom('fail', 'complete'), nth: fc.nat(3) }),
    fc.record({ do: fc.constant('undo'), nth: fc.nat(5) }),
  ),
  { minLength: 4, maxLength: 16 },
)
type Step = z.output<typeof Step>
const Step = z.object({ do: z.string(), nth: z.number().optional() })

const Answer = z.looseObject({ operation_id: z.number().nullish() })

describe.each([37, 46] as const)('dead letters of pg-boss with schema %i', (version) => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        await makePgBoss({ sql, version })
        await makeQueue({ sql, version }, 'dead')
        await makeQueue({ sql, version }, 'mail', { deadLetter: 'dead' })
      },
      { records: 'pg-boss' },
    )
  })
  afterAll(() => served.close())

  const post = async (path: string, body: object) => {
    const { body: answer } = await served.post(path, body)
    return Answer.parse(answer).operation_id ?? undefined
  }
  const mail = { domain: 'pgboss', queue: 'mail' }
  const changes: Record<string, () => Promise<number | undefined>> = {
    redrive: () => post('redrive', { domain: 'pgboss', queue: 'dead' }),
    retry: () => post('retry-now', mail),
    resume: () => post('retry-now', { ...mail, status: ['cancelled'] }),
    cancel: () => post('batch/cancel', mail),
    prune: () => post('prune', { ...mail, older_than_days: 1, statuses: ['completed', 'failed', 'cancelled'] }),
  }

  /** Ends the nth waiting job as a worker of pg-boss does, a day ago. */
  const end = async (state: string, nth: number) => {
    const root = version === 46 ? [sql`, source_root_id`, sql`, coalesce(source_root_id, id)`] : [sql``, sql``]
    await sql`
      with ended as (
        update pgboss.job set state = ${state}::pgboss.job_state, started_on = now(), completed_on = now() - interval '2 days'
        where (name, id) in (
          select name, id from pgboss.job where name = 'mail' and state < 'active' order by data ->> 'n', id offset ${nth} limit 1
        )
        returning *
      )
      insert into pgboss.job (name, data, source_name, source_id ${root[0] ?? sql``})
      select 'dead', data, name, id ${root[1] ?? sql``} from ended where state = 'failed'`
  }

  async function run(history: readonly Step[]): Promise<void> {
    for (const table of ['jobsctl_held_jobs', 'jobsctl_holds', 'pgboss_archive', 'job_operation_rows'])
      await sql`delete from ${sql(`jobsctl.${table}`)}`
    await sql`delete from pgboss.job`
    await sql`insert into pgboss.job (name, data) select 'mail', jsonb_build_object('n', n) from generate_series(1, 3) as n`
    for (let i = 0; i < 3; i++) await end('failed', 0)
    const operations: number[] = []
    for (const step of history) {
      const operation = operations[(step.nth ?? 0) % Math.max(1, operations.length)]
      if (step.do === 'undo') await (operation && post(`operations/${operation}/undo`, {}))
      else if (step.nth !== undefined) await end(step.do === 'fail' ? 'failed' : 'completed', step.nth)
      else operations.push(...[await changes[step.do]?.()].flatMap((id) => id ?? []))
      const rows = await sql<{ n: string; at_work: number; kept: number }[]>`
        select data ->> 'n' as n, count(*) filter (where name = 'mail' and state <= 'completed' and live)::int as at_work, count(*)::int as kept
        from (
          select name, state, data, true as live from pgboss.job
          union all select name, state::pgboss.job_state, data, false from jobsctl.pgboss_archive
        ) as everywhere
        group by 1 order by 1`
      const said = { step, rows: rows.map(({ n }) => n), twice: rows.filter(({ at_work }) => at_work > 1) }
      expect(said).toEqual({ step, rows: ['1', '2', '3'], twice: [] })
    }
  }

  it('are never at work twice, and never lost, whatever is retried, redriven, cancelled, pruned and undone', async () => {
    await fc.assert(
      fc.asyncProperty(steps, (history) => run(history)),
      { numRuns: Number(runs), ...(seed !== undefined && { seed: Number(seed) }) },
    )
  }, 300_000)
})

import type { Sql } from 'postgres'
import * as z from 'zod'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { duration, measureAlternately } from '../../measure.ts'
import { memoize } from '../../memoize.ts'
import { createDatabase } from '../../setup/create-database.ts'
import type { BenchServer } from '../../setup/servers.ts'

const rows = 100_000
const path = '/api/v1/jobs/batch/edit'

const Edited = z.object({ affected: z.number().min(1) })

const editable = memoize(async (bench: Bench): Promise<{ server: BenchServer; sql: Sql; jobs: number }> => {
  bench.logProgress(`   inserting ${rows.toLocaleString('en')} rows, half of them queued`)
  await createDatabase(bench, 'edits', { rows, live: 'true', age: 'i / 20000.0' })
  const sql = bench.sqlOf('edits')
  const [{ jobs } = { jobs: 0 }] = await sql<{ jobs: number }[]>`
    select count(*)::int as jobs from jobs where status = 'queued'`
  return { server: await bench.serve('edits'), sql, jobs }
})

/** Changes a value of every queued job, keeps what it was, as an undo needs it, and writes no event. */
const bySql = (sql: Sql, url: string) => sql`
  with picked as materialized (
    select id, jsonb_build_object('status', status, 'available_at', available_at, 'payload', payload::text) as before
    from jobs
    where status = 'queued'
    for update
  ),
  updated as (
    update jobs
    set payload = jsonb_set(payload, '{text}', to_jsonb(${url}::text))
    from picked
    where jobs.id = picked.id
    returning jobs.id, before,
      jsonb_build_object('status', status, 'available_at', available_at, 'payload', payload::text) as after
  )
  insert into bench_images (job, before, after) select id, before, after from updated`

/** An edit of many jobs, and its preview. */
export const editing: readonly Figure[] = [
  {
    name: 'edit: a value of 50,000 queued jobs',
    ...{ against: 'one update by jsonb_set with a copy, in SQL', unit: 'ms', ratio: 'ours / against' },
    async measure(bench) {
      const { server, sql, jobs } = await editable(bench)
      await sql`create table if not exists bench_images (job bigint, before jsonb, after jsonb)`
      let round = 0
      const url = () => `https://example.com/${++round}`
      return measureAlternately(
        { rounds: 5 },
        duration(async () => {
          const set = [{ path: 'payload.text', value: url() }]
          const { affected } = Edited.parse(await server.api.post(path, { all: true, set }))
          if (affected !== jobs) throw new Error(`the edit changed ${affected} jobs, not ${jobs}`)
        }),
        duration(async () => {
          const { count } = await bySql(sql, url())
          if (count !== jobs) throw new Error(`the statement changed ${count} jobs, not ${jobs}`)
        }),
      )
    },
  },
]

import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { countIds, makeBullMq } from '../../support/engines/bullmq.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const jobs = 10_000
const queues = ['queue 0', 'queue 1', 'queue 2', 'a/b %']

const Pruned = z.looseObject({ deleted: z.literal(jobs), operation_id: z.number() })

describe('the undo of a prune of 10,000 jobs of BullMQ', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makeBullMq({ sql, version: 11 })
    for (const queue of queues) await countIds({ sql }, queue, jobs)
    await sql`
      insert into bullmq.job (queue, id, seq, name, state, added_at_ms, processed_at_ms, finished_at_ms)
      select (${queues}::text[])[1 + i % 4], i::text, i, 'send', 'completed', 1700000000000 + i, 1700000001000 + i, 1700000002000 + i
      from generate_series(1, ${jobs}::int) as i`
    await sql`analyze bullmq.job`
  })
  afterEach(async () => {
    await sql.end()
    await database.drop()
  })

  it('reads a row of the archive a few times, and not once for each batch', async () => {
    expect(await runServer(['migrate', '--engine', 'bullmq'], database.env)).toMatchObject({ code: 0 })
    // What the planner knows after an autovacuum would hide what it does without.
    await sql`alter table jobsctl.bullmq_archive set (autovacuum_enabled = false)`
    const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key', JOBS_BACKGROUND: 'false' })
    const post = async (path: string, body: object) => {
      const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
      const answer = await call({ url: server.url, method: 'POST', path: `/api/v1/jobs/${path}`, headers, body })
      expect(answer).toMatchObject({ status: 200 })
      return answer.body
    }
    try {
      await server.prepared
      const prune = { domain: 'bullmq', statuses: ['completed'], older_than_days: 1 }
      const { operation_id } = Pruned.parse(await post('prune', prune))
      expect(await post(`operations/${operation_id}/undo`, {})).toMatchObject({ affected: jobs, conflict_count: 0 })
    } finally {
      // A connection that ends reports what it has read.
      await server.stop()
    }
    const read = await until('every connection has reported what it has read', async () => {
      const [row] = await sql<[{ rows: number; removed: number }]>`
        select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as rows, n_tup_del::int as removed
        from pg_stat_user_tables
        where schemaname = 'jobsctl' and relname = 'bullmq_archive'`
      return row.removed === jobs ? row.rows : undefined
    })
    expect({ read, isBounded: read <= 10 * jobs }).toEqual({ read, isBounded: true })
  })
})

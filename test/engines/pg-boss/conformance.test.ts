import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { keyText } from '../../../shared/work/job-key.ts'
import type { SampleDatabase, SampleJob } from '../conformance/engine.ts'
import { conformanceOf } from '../conformance/suite.ts'
import { openRecords } from '../support/admin.ts'
import { changeable } from '../support/versions.ts'
import { openBossDatabase } from '../support/world.ts'

const domain = 'pgboss'
const secondSchema = `My "Boss's"/Jobs`

conformanceOf({
  ...{ engine: 'pg-boss', name: 'pg-boss', versions: changeable, domain, queues: ['mail', 'digest'] },
  open,
  schemaVersion: 'select version from pgboss.version',
  table: 'job',
  // An undo sets the first one so that pg-boss keeps the job, and pg-boss counts the second one only for jobs that wait.
  volatile: { prune: ['deletion_seconds', 'keep_until'], others: ['deletion_seconds', 'keep_until'] },
  busy: `state = 'active' or state < 'active' and start_after <= now()`,
  age: `created_on = created_on - interval '2 days', started_on = started_on - interval '2 days',
    start_after = start_after - interval '2 days', completed_on = completed_on - interval '2 days'`,
  copy: () => ({ id: 'gen_random_uuid()' }),
})

async function open(version: string): Promise<SampleDatabase> {
  const database = await openBossDatabase(version)
  await database.start()
  const keyOf = new Map<string, string>()
  return {
    ...database,
    serve: () => openRecords(database),
    async add(jobs) {
      const added = await addTo(database.sql, jobs)
      for (const [id, key] of added) keyOf.set(id, key)
      return added.map(([, key]) => key)
    },
    async work(queues) {
      const worker = await database.start()
      for (const queue of queues) await worker.work(queue, { batchSize: 20 })
      return {
        async runs() {
          const runs = Object.entries(await worker.runs())
          return Object.fromEntries(runs.map(([id, { begun }]) => [keyOf.get(id) ?? id, begun]))
        },
        kill: worker.kill,
      }
    },
    async addSchema(jobs) {
      const boss = await database.start({ schema: 'later', options: { supervise: false } })
      await addTo(database.sql, jobs, 'later')
      await boss.kill()
      // pg-boss takes no such name, and somebody may rename a schema.
      await database.sql`alter schema later rename to ${database.sql(secondSchema)}`
      return secondSchema
    },
  }
}

/** Adds jobs with one attempt by SQL: the library takes no odd names. Returns the id and the key of each. */
async function addTo(sql: postgres.Sql, jobs: SampleJob[], schema = domain): Promise<[id: string, key: string][]> {
  for (const queue of new Set(jobs.map((job) => job.queue)))
    await sql`select ${sql(schema)}.create_queue(${queue}, '{"policy": "standard"}')`
  const rows = jobs.map(({ queue, does, due = new Date() }) => ({
    ...{ id: randomUUID(), name: queue, data: sql.json({ does }), start_after: due, retry_limit: 0 },
  }))
  await sql`insert into ${sql(schema)}.job ${sql(rows)}`
  return rows.map(({ id, name }) => [id, keyText({ queue: name, id })])
}

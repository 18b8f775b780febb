import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bearer, makeScoped } from '../../../support/access/tokens.ts'
import { newDatabase } from '../../../support/database/database.ts'
import { until } from '../../../support/poll.ts'
import { openWorld, type World } from '../../../support/world.ts'

/** The log of the PostgreSQL of the run, relative to its data directory. */
const logFile = '../log'
const [foreign, unknown] = [700_000_001, 700_000_002]
const lease = { worker_id: 'w', lease_id: 'lease' }

let world: World
let as: Record<string, string>
let worker: Record<string, string>
beforeAll(async () => {
  const database = await newDatabase('postgres')
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1 })
  const [{ name }] = await sql<[{ name: string }]>`select current_database() as name`
  await sql`alter database ${sql(name)} set log_min_duration_statement = 0`
  await sql.end()
  world = await openWorld('postgres', { AUTH_MODE: 'multi_user' }, Promise.resolve(database))
  as = bearer(await makeScoped(world.sql, 'operator', { domains: ['a'], queues: [{ domain: 'b', queue: 'q' }] }))
  worker = bearer(await makeScoped(world.sql, 'worker', { domains: ['a'], queues: [{ domain: 'b', queue: 'q' }] }))
  await world.sql`
    insert into job_operations (id, kind, domain, filters, as_of, seen, caller, request_hash, state)
    values (${foreign}, 'priority', 'c', '{}', now(), '1:1:', 'somebody', '', 'done')`
  await world.jobs(1, { id: foreign, domain: 'b', queue: 'r', status: 'processing', ...lease })
})
afterAll(() => world?.stop())

/** The statements about a job that PostgreSQL has logged during a call, by the id among their parameters. */
async function statementsAbout(id: number, call: () => Promise<unknown>): Promise<string[]> {
  const [{ size }] = await world.sql<[{ size: string }]>`select size::text from pg_stat_file(${logFile})`
  await call()
  return until('the log has the statements', async () => {
    const [{ log }] = await world.sql<[{ log: string }]>`
      select convert_from(pg_read_binary_file(${logFile}, ${size}::text::bigint, 10000000), 'UTF8') as log`
    const entries = log.split(/^(?=\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] )/m)
    const about = entries.flatMap((entry, at) => {
      const text = /LOG: {2}duration: \S+ ms {2}execute [^:]+: (.*)/s.exec(entry)?.[1]
      return text && entries[at + 1]?.includes(String(id)) ? [text.trim()] : []
    })
    return about.length > 0 ? about : undefined
  })
}

const jobs = '/api/v1/jobs'
it.each<[string, string, (id: number) => string, ((id: number) => object)?]>([
  ['show', 'GET', (id) => `${jobs}/${id}`],
  ['attachments', 'GET', (id) => `${jobs}/${id}/attachments`],
  ['leased', 'POST', (id) => `${jobs}/${id}/leased`, () => ({ lease_id: lease.lease_id })],
  ['cancel', 'POST', (id) => `${jobs}/${id}/cancel`, () => ({})],
  ['record', 'GET', (id) => `${jobs}/operations/${id}`],
  ['progress', 'GET', (id) => `${jobs}/operations/${id}/progress`],
  ['conflicts', 'GET', (id) => `${jobs}/operations/${id}/conflicts`],
  ['undo', 'POST', (id) => `${jobs}/operations/${id}/undo`, () => ({ dry_run: true })],
  ['stop', 'POST', (id) => `${jobs}/operations/${id}/stop`, () => ({})],
  ['explain', 'GET', (id) => `${jobs}/${id}/explain`],
  ['preview of a prune', 'POST', () => `${jobs}/prune`, (id) => ({ dry_run: true, ids: [id] })],
  ['preview of a retry', 'POST', () => `${jobs}/batch/retry`, (id) => ({ dry_run: true, ids: [id] })],
  ['preview of a cancel', 'POST', () => `${jobs}/batch/cancel`, (id) => ({ dry_run: true, job_id: id })],
  [
    'preview of a requeue',
    'POST',
    () => `${jobs}/batch/requeue_quarantined`,
    (id) => ({ dry_run: true, domain: 'b', job_id: id }),
  ],
])(
  '%s: an id outside and an unknown one run the same statements, which have the scope',
  async (name, method, path, body) => {
    const caller = name === 'leased' ? worker : as
    const ask = (id: number) => () => world.call(method, path(id), body?.(id), caller)
    const ofUnknown = await statementsAbout(unknown, ask(unknown))
    expect(await statementsAbout(foreign, ask(foreign))).toEqual(ofUnknown)
    for (const statement of ofUnknown) {
      expect(statement).toMatch(/"?domain"? = any\(\$\d+::text\[\]\)/)
      expect(statement).toMatch(/of_domain, of_queue/)
    }
  },
)

import type { Pool } from '../../server/database/sql.ts'
import { type Kind, newDatabase, type TestDatabase } from './database/database.ts'
import type { JobRow, Wanted } from './database/job-row.ts'
import {
  type EventRow,
  emptyTables,
  fingerprint,
  insertJobs,
  readEvents,
  readJobs,
  readSteps,
  type StepRow,
} from './database/tables.ts'
import { type Answer, call } from './http.ts'
import { startServer } from './programs/built.ts'
import type { Ended } from './programs/child.ts'
import { type JobsctlOptions, runJobsctl } from './programs/jobsctl.ts'

type Headers = Record<string, string>

/** A real database, a real server over HTTP, and the command line beside it. */
export interface World {
  kind: Kind
  url: string
  key: string
  /** The database of the server, past the server. On the embedded one they share one session. */
  sql: Pool
  /** The environment of another server process on the same database. */
  env: Record<string, string>
  /** What the server has logged, a line of JSON each. */
  log: string[]
  /** With the key; a header that is an empty string is not sent. */
  call: (method: string, path: string, body?: unknown, headers?: Headers) => Promise<Answer>
  post: (path: string, body: unknown, headers?: Headers) => Promise<Answer>
  /** The same with `X-Confirm: true`. */
  confirm: (path: string, body: unknown, headers?: Headers) => Promise<Answer>
  jobs: (n: number, wanted?: Wanted) => Promise<number[]>
  rows: () => Promise<JobRow[]>
  count: () => Promise<number>
  /** The records of operators' changes. */
  events: () => Promise<EventRow[]>
  /** The steps of jobs, without those records. */
  steps: () => Promise<StepRow[]>
  fingerprint: () => Promise<string>
  clear: () => Promise<void>
  jobsctl: (argv: string[], options?: JobsctlOptions) => Promise<Ended>
  stop: () => Promise<void>
}

const key = 'key-of-the-tests'

/**
 * More than a server has by default, since the statements of the test go through the same pool, in which some wait for a lock
 * that the test holds.
 */
const connections = { JOBS_DB_POOL: '8' }

/** Opens a world of its own: a database that nobody else uses, and a server on it that is ready. */
export async function openWorld(
  kind: Kind,
  overrides: Record<string, string> = {},
  found: Promise<TestDatabase> = newDatabase(kind),
): Promise<World> {
  const database = await found
  const env = { ...database.env, ...(kind === 'postgres' && connections), SINGLE_USER_API_KEY: key, ...overrides }
  const log: string[] = []
  const { url, sql, prepared, stop } = await startServer(env, (line) => void log.push(line))
  await prepared
  const send: World['call'] = (method, path, body, headers = {}) =>
    call({ url, method, path, body, headers: present({ 'x-api-key': key, ...headers }) })
  const post: World['post'] = (path, body, headers) => send('POST', path, body, headers)
  return {
    ...{ kind, url, key, sql, env, log },
    call: send,
    post,
    confirm: (path, body, headers) => post(path, body, { 'x-confirm': 'true', ...headers }),
    jobs: (n, wanted) => insertJobs(sql, n, wanted),
    rows: () => readJobs(sql),
    count: async () => (await readJobs(sql)).length,
    events: () => readEvents(sql),
    steps: () => readSteps(sql),
    fingerprint: () => fingerprint(sql),
    clear: () => emptyTables(sql),
    jobsctl: (argv, options = {}) =>
      runJobsctl(argv, { ...options, env: { JOBSCTL_URL: url, JOBSCTL_API_KEY: key, ...options.env } }),
    stop: async () => {
      await stop()
      await database.drop()
    },
  }
}

const present = (headers: Headers): Headers => Object.fromEntries(Object.entries(headers).filter(([, value]) => value))

/** The paths of the API. */
export const paths = {
  stats: '/api/v1/jobs/stats',
  prune: '/api/v1/jobs/prune',
  sweep: '/api/v1/jobs/ttl/sweep',
  requeue: '/api/v1/jobs/batch/requeue_quarantined',
  integrity: '/api/v1/jobs/integrity/sweep',
}

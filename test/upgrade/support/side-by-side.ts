import postgres from 'postgres'
import { emptyDatabase } from '../../support/database/database.ts'
import { type Answer, call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { type Ended, startChild } from '../../support/programs/child.ts'
import { environmentOf } from '../../support/programs/jobsctl.ts'
import { spawnServer } from '../../support/programs/spawn-server.ts'
import { type Build, type Programs, programsOf } from './old-build.ts'

const key = 'key-of-the-tests'

type Headers = Record<string, string>

/** A server process of one build. Every call carries the API key, and the headers that a test adds. */
export interface Side {
  build: Build
  url: string
  key: string
  get: (path: string, headers?: Headers) => Promise<Answer>
  post: (path: string, body: unknown, headers?: Headers) => Promise<Answer>
  /** A POST with `X-Confirm: true`. */
  change: (path: string, body: unknown, headers?: Headers) => Promise<Answer>
  /** The lines that the server has logged so far. */
  log: () => string
  /** Resolves when the server answers calls. */
  ready: () => Promise<unknown>
  /** Sends SIGTERM, and resolves to the end of the process. */
  stop: () => Promise<Ended>
  /** Sends SIGKILL, and resolves to the end of the process. */
  kill: () => Promise<Ended>
}

/** A database of its own on the PostgreSQL of the run, and servers of both builds beside each other on it. */
export interface Ground {
  /** The database, past the servers. */
  sql: postgres.Sql
  /** The environment of each server. */
  env: Record<string, string>
  /** Starts a server, and resolves when it listens; it may not be ready yet. */
  start: (build: Build) => Promise<Side>
  /** Runs `jobsctl` of a build off a terminal against a server. */
  jobsctl: (build: Build, at: Side, argv: string[], env?: Headers) => Promise<Ended>
  /** Runs `jobs-server` of a build with arguments, such as `token list`, until it ends. */
  command: (build: Build, argv: string[]) => Promise<Ended>
  /** Kills the servers that still run, and drops the database. */
  close: () => Promise<void>
}

/** Makes an empty database; `overrides` are added to the environment of each server. */
export async function openGround(overrides: Record<string, string> = {}): Promise<Ground> {
  const database = await emptyDatabase()
  // A test holds one server in the middle of a change: how long another one waits for it is not raced.
  const env: Record<string, string> = {
    ...database.env,
    SINGLE_USER_API_KEY: key,
    JOBS_LOCK_TIMEOUT_SECONDS: '60',
    // The driver of version 0.1.0 sends a statement behind another one when all connections are in use: behind one that a gate stops, it would
    // wait until the statement timeout of 60 s.
    JOBS_DB_POOL: '16',
    ...overrides,
  }
  const sql = postgres(env.JOBS_DB_URL ?? '', { max: 6, onnotice: () => {} })
  const started: Side[] = []
  const run = async (build: Build, program: keyof Programs, argv: string[], given: Headers) =>
    startChild([(await programsOf(build))[program], ...argv], { env: await environmentOf(given) }).ended
  return {
    ...{ sql, env },
    start: async (build) => {
      const side = await startSide(build, env)
      started.push(side)
      return side
    },
    jobsctl: (build, { url }, argv, more = {}) =>
      run(build, 'jobsctl', argv, { JOBSCTL_URL: url, JOBSCTL_API_KEY: key, ...more }),
    command: (build, argv) => run(build, 'server', argv, env),
    close: async () => {
      await Promise.all(started.map((side) => side.kill()))
      await sql.end()
      await database.drop()
    },
  }
}

async function startSide(build: Build, env: Record<string, string>): Promise<Side> {
  const server = await spawnServer(env, (await programsOf(build)).server)
  const { url, output, stop, kill } = server
  const send = (method: string, path: string, body: unknown, headers: Headers = {}) =>
    call({ url, method, path, body, headers: { 'x-api-key': key, ...headers } })
  return {
    ...{ build, url, key, stop, kill },
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body, headers) => send('POST', path, body, headers),
    change: (path, body, headers) => send('POST', path, body, { 'x-confirm': 'true', ...headers }),
    log: () => output.out + output.err,
    ready: () =>
      until(`the ${build} server is ready`, async () => (await send('GET', '/readyz', undefined)).status === 200),
  }
}

/** Two servers that are ready. */
export interface Pair extends Ground {
  one: Side
  other: Side
  both: readonly [Side, Side]
}

/** Starts the server of the build `one` on an empty database, and then the server of the build `other`. */
export async function openPair(
  { one, other }: { one: Build; other: Build },
  overrides?: Record<string, string>,
): Promise<Pair> {
  const ground = await openGround(overrides)
  try {
    const first = await ground.start(one)
    await first.ready()
    const second = await ground.start(other)
    await second.ready()
    return { ...ground, one: first, other: second, both: [first, second] }
  } catch (error) {
    await ground.close()
    throw error
  }
}

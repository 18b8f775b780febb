import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { describe } from 'vitest'
import * as z from 'zod'
import { engineNode, graphileWorkerVersions, nameOf, usedOf } from '../../../scripts/launch/engine-packages.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { endWithTests } from '../../support/programs/end-with-tests.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

const program = fileURLToPath(new URL('./graphile-program.ts', import.meta.url))

const Answer = z.object({ id: z.number(), value: z.unknown().optional(), error: z.string().optional() })
const Runs = z.record(z.string(), z.number())

/** A job to add: its task does what `does` says. `spec` is that of graphile-worker, such as `maxAttempts` or `queueName`. */
export interface NewJob {
  does?: 'end' | 'fail' | 'fail once' | 'hold'
  spec?: Record<string, unknown>
}

/** A process with graphile-worker, whose tables it has migrated. */
export interface Graphile {
  /** Adds jobs, and returns their ids. */
  add: (jobs: NewJob[]) => Promise<string[]>
  /** Starts a pool, which lives until the process is killed. */
  work: (concurrency: number) => Promise<void>
  /** How often each job has begun in the process, by its id. */
  runs: () => Promise<Record<string, number>>
  /** Lets the jobs end that hold. */
  release: () => Promise<void>
  kill: () => Promise<void>
}

/** A database of graphile-worker. Everything that runs on it ends with it. */
export interface GraphileDatabase {
  env: Record<string, string>
  /** As a superuser, past all servers. */
  sql: postgres.Sql
  /** Starts one more process with graphile-worker. */
  start: () => Promise<Graphile>
  /** Makes the tables of records, and starts a server that may change jobs. */
  serve: () => Promise<World>
  /** Every job as its row is, by id. */
  rows: () => Promise<unknown[]>
  /** Waits until no job of graphile-worker is running or could be taken. */
  untilIdle: () => Promise<unknown>
  close: () => Promise<void>
}

/** Opens an empty database for one version of graphile-worker. */
export async function openGraphileDatabase(version: string): Promise<GraphileDatabase> {
  const database = await emptyDatabase()
  const { env } = database
  const url = env.JOBS_DB_URL ?? ''
  const sql = postgres(url, { max: 2, onnotice: () => {} })
  const processes: Graphile[] = []
  const worlds: World[] = []
  const kept: TestDatabase = { env, drop: async () => {} }
  return {
    env,
    sql,
    async start() {
      const graphile = await startGraphile({ version, url })
      processes.push(graphile)
      return graphile
    },
    async serve() {
      const { code, err } = await runServer(['migrate', '--engine', 'graphile-worker'], env)
      if (code !== 0) throw new Error(`jobs-server migrate ended with ${code}: ${err}`)
      const world = await openWorld('postgres', {}, Promise.resolve(kept))
      worlds.push(world)
      return world
    },
    rows: async () => [
      ...(await sql`select to_jsonb(job) as row from graphile_worker._private_jobs as job order by id`),
    ],
    untilIdle: () =>
      until('no job runs or is due', async () => {
        const [busy] = await sql`
          select from graphile_worker._private_jobs
          where locked_at is not null or (attempts < max_attempts and run_at <= now()) limit 1`
        return busy === undefined
      }),
    async close() {
      await Promise.all(worlds.map((world) => world.stop()))
      await Promise.all(processes.map((graphile) => graphile.kill()))
      await sql.end()
      await database.drop()
    },
  }
}

async function startGraphile({ version, url }: Record<'version' | 'url', string>): Promise<Graphile> {
  const [node, manifest] = [usedOf(engineNode), usedOf({ name: 'graphile-worker', version })]
  if (!node || !manifest)
    throw new Error(`graphile-worker ${version} or Node is not installed: npm run test:engines installs them`)
  const child = spawn(node, [program], { env: { PATH: process.env.PATH }, stdio: ['pipe', 'pipe', 'pipe'] })
  endWithTests(child)
  let written = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written += text
  })
  const waiting = new Map<number, (answer: z.infer<typeof Answer>) => void>()
  createInterface(child.stdout).on('line', (line) => {
    const answer = Answer.parse(JSON.parse(line))
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  const exited = once(child, 'exit').then(() => {
    for (const [id, settle] of waiting) settle({ id, error: `the process ended: ${written}` })
    waiting.clear()
  })
  child.stdin.on('error', () => {})
  let last = 0
  const ask = async (command: object): Promise<unknown> => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the process has ended: ${written}`)
    last += 1
    const id = last
    const answered = new Promise<z.infer<typeof Answer>>((resolve) => waiting.set(id, resolve))
    child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
    const { value, error } = await answered
    if (error !== undefined) throw new Error(error)
    return value
  }
  await ask({ do: 'start', library: join(manifest, '../dist/index.js'), url })
  return {
    add: async (jobs) => {
      const added = jobs.map(({ does = 'end', spec = {} }) => ({ payload: { does }, spec }))
      return z.array(z.string()).parse(await ask({ do: 'add', jobs: added }))
    },
    work: async (concurrency) => void (await ask({ do: 'work', concurrency })),
    runs: async () => Runs.parse(await ask({ do: 'runs' })),
    release: async () => void (await ask({ do: 'release' })),
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** `npm run test:engines -- --version …` takes the place of all versions. */
const only = process.env.TEST_ENGINE_VERSION || undefined

/**
 * Declares the same tests beside each version of graphile-worker. The group of a version that is not installed is skipped, and its title says which
 * package is missing.
 */
export function besideEachGraphile(title: string, tests: (version: string) => void): void {
  for (const version of only ? [only] : graphileWorkerVersions) {
    const wanted = [engineNode, { name: 'graphile-worker' as const, version }]
    const missing = wanted.filter((one) => !usedOf(one)).map(nameOf)
    const why = missing.length > 0 ? ` (skipped: ${missing.join(' and ')} not installed)` : ''
    describe.skipIf(missing.length > 0)(`${title}, graphile-worker ${version}${why}`, () => tests(version))
  }
}

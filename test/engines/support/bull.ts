import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { describe } from 'vitest'
import * as z from 'zod'
import { bullMqVersions, engineNode, nameOf, usedOf } from '../../../scripts/launch/engine-packages.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { endWithTests } from '../../support/programs/end-with-tests.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

const program = fileURLToPath(new URL('./bull-program.ts', import.meta.url))

const Answer = z.object({ id: z.number(), value: z.unknown().optional(), error: z.string().optional() })
const Runs = z.record(z.string(), z.object({ begun: z.number(), ended: z.number(), at: z.number() }))
export type Runs = z.infer<typeof Runs>

/** A job to add: its handler does what `data.does` says. */
export interface NewJob {
  name?: string
  data?: { does?: 'end' | 'fail' | 'fail once' | 'hold'; message?: string; [more: string]: unknown }
  opts?: Record<string, unknown>
}

/** A process with BullMQ. */
export interface Bull {
  /** Adds jobs, and returns their ids. */
  add: (queue: string, jobs: NewJob[]) => Promise<string[]>
  flow: (flow: object) => Promise<void>
  /** Calls a method of a queue as JSON can say it. @throws Error with the message of BullMQ */
  call: (queue: string, method: string, ...args: unknown[]) => Promise<unknown>
  work: (queue: string, options?: object) => Promise<void>
  /** How often each job has begun and ended in the process, by `queue/id`. */
  runs: () => Promise<Runs>
  release: () => Promise<void>
  kill: () => Promise<void>
}

/** A database of BullMQ. Everything that runs on it ends with it. */
export interface BullDatabase {
  env: Record<string, string>
  /** As a superuser, past all servers. */
  sql: postgres.Sql
  /** Starts one more process with BullMQ. */
  start: () => Promise<Bull>
  /** Makes the tables of records, and starts a server that may change jobs. */
  serve: () => Promise<World>
  close: () => Promise<void>
}

/** Opens an empty database for one version of BullMQ. */
export async function openBullDatabase(version: string, schema = 'bullmq'): Promise<BullDatabase> {
  const database = await emptyDatabase()
  const { env } = database
  const url = env.JOBS_DB_URL ?? ''
  const sql = postgres(url, { max: 2, onnotice: () => {} })
  const bulls: Bull[] = []
  const worlds: World[] = []
  const kept: TestDatabase = { env, drop: async () => {} }
  return {
    env,
    sql,
    async start() {
      const bull = await startBull({ version, url, schema })
      bulls.push(bull)
      return bull
    },
    async serve() {
      const { code, err } = await runServer(['migrate', '--engine', 'bullmq'], env)
      if (code !== 0) throw new Error(`jobs-server migrate ended with ${code}: ${err}`)
      const world = await openWorld('postgres', {}, Promise.resolve(kept))
      worlds.push(world)
      return world
    },
    async close() {
      await Promise.all(worlds.map((world) => world.stop()))
      await Promise.all(bulls.map((bull) => bull.kill()))
      await sql.end()
      await database.drop()
    },
  }
}

const entryOf = (version: string): string | undefined => {
  const manifest = usedOf({ name: 'bullmq', version })
  return manifest && createRequire(manifest).resolve('../bullmq')
}

async function startBull({ version, url, schema }: { version: string; url: string; schema: string }): Promise<Bull> {
  const [node, library] = [usedOf(engineNode), entryOf(version)]
  if (!node || !library)
    throw new Error(`BullMQ ${version} or Node is not installed: npm run test:engines installs them`)
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
    for (const [id, settle] of waiting) settle({ id, value: undefined, error: `the process ended: ${written}` })
    waiting.clear()
  })
  child.stdin.on('error', () => {})
  let last = 0
  const ask = async (command: object): Promise<unknown> => {
    last += 1
    const id = last
    const answered = new Promise<z.infer<typeof Answer>>((resolve) => waiting.set(id, resolve))
    child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the process has ended: ${written}`)
    const { value, error } = await answered
    if (error !== undefined) throw new Error(error)
    return value
  }
  const bull: Bull = {
    add: async (queue, jobs) =>
      z
        .array(z.string())
        .parse(await ask({ do: 'add', queue, jobs: jobs.map((job) => ({ name: 'job', data: {}, ...job })) })),
    flow: async (flow) => void (await ask({ do: 'flow', flow })),
    call: (queue, method, ...args) => ask({ do: 'call', queue, method, args }),
    work: async (queue, options = {}) => void (await ask({ do: 'work', queue, options })),
    runs: async () => Runs.parse(await ask({ do: 'runs' })),
    release: async () => void (await ask({ do: 'release' })),
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
  await ask({ do: 'start', library, url, schema })
  return bull
}

/** `npm run test:engines -- --version …` takes the place of all versions. */
const only = process.env.TEST_ENGINE_VERSION || undefined

/** The versions of BullMQ that jobsctl reads. */
export const readable: readonly string[] = only ? [only] : bullMqVersions

/** The versions of BullMQ that jobsctl changes: schema 5, and the newest. */
export const changeable: readonly string[] = only ? [only] : bullMqVersions.slice(1)

/**
 * Declares the same tests beside each of the versions. The group of a version that is not installed is skipped, and its title says which package is
 * missing.
 */
export function besideEachBull(versions: readonly string[], title: string, tests: (version: string) => void): void {
  for (const version of versions) {
    const missing = [engineNode, { name: 'bullmq' as const, version }].filter((wanted) => !usedOf(wanted)).map(nameOf)
    const why = missing.length > 0 ? ` (skipped: ${missing.join(' and ')} not installed)` : ''
    describe.skipIf(missing.length > 0)(`${title}, BullMQ ${version}${why}`, () => tests(version))
  }
}

/** Waits until no job of a queue is in one of these states. */
export const untilNone = ({ sql }: BullDatabase, queue: string, ...states: string[]): Promise<unknown> =>
  until(`no job of ${queue} is ${states.join(' or ')}`, async () => {
    const [left] = await sql`select from bullmq.job where queue = ${queue} and state::text = any(${states}) limit 1`
    return left === undefined
  })

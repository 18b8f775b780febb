import { createRequire } from 'node:module'
import * as z from 'zod'
import { bullMqVersions, usedOf } from '../../../scripts/launch/engine-packages.ts'
import { until } from '../../support/poll.ts'
import { besideVersions, onlyVersion as only, startChild } from './child.ts'
import { type EngineDatabase, makeRecords, openEngineDatabase } from './engine-database.ts'

const Runs = z.record(z.string(), z.object({ begun: z.number(), ended: z.number(), at: z.number() }))
export type Runs = z.infer<typeof Runs>

/** A job to add: its handler does what `data.does` says. */
export interface NewJob {
  name?: string
  data?: { does?: 'end' | 'end slowly' | 'fail' | 'fail once' | 'hold'; message?: string; [more: string]: unknown }
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

/** A database of BullMQ. Its servers may change jobs. */
export type BullDatabase = EngineDatabase<Bull, { schema?: string }>

/** Opens an empty database for one version of BullMQ. */
export async function openBullDatabase(version: string): Promise<BullDatabase> {
  const database = await openEngineDatabase<Bull, { schema?: string }>((url, { schema = 'bullmq' } = {}) =>
    startBull({ version, url, schema }),
  )
  return {
    ...database,
    async serve(more) {
      await makeRecords('bullmq', database.env)
      return await database.serve(more)
    },
  }
}

const entryOf = (version: string): string | undefined => {
  const manifest = usedOf({ name: 'bullmq', version })
  return manifest && createRequire(manifest).resolve('../bullmq')
}

async function startBull({ version, url, schema }: { version: string; url: string; schema: string }): Promise<Bull> {
  const library = entryOf(version)
  const { ask, kill } = startChild('./bull-program.ts', { title: `BullMQ ${version}`, library })
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
    kill,
  }
  await ask({ do: 'start', library, url, schema })
  return bull
}

/** The versions of BullMQ that jobsctl reads. */
export const readable: readonly string[] = only ? [only] : bullMqVersions

/** The versions of BullMQ that jobsctl changes: schema 5, and the newest. */
export const changeable: readonly string[] = only ? [only] : bullMqVersions.slice(1)

/** Declares the same tests beside each of these versions of BullMQ. */
export const besideEachBull = (versions: readonly string[], title: string, tests: (version: string) => void): void =>
  besideVersions({ name: 'bullmq', label: 'BullMQ', versions }, title, tests)

/** Waits until no job of a queue is in one of these states. */
export const untilNone = ({ sql }: BullDatabase, queue: string, ...states: string[]): Promise<unknown> =>
  until(`no job of ${queue} is ${states.join(' or ')}`, async () => {
    const [left] = await sql`select from bullmq.job where queue = ${queue} and state::text = any(${states}) limit 1`
    return left === undefined
  })

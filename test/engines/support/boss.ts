import * as z from 'zod'
import { until } from '../../support/poll.ts'
import { startChild } from './child.ts'
import { entryOf } from './versions.ts'

const Runs = z.record(z.string(), z.object({ begun: z.number(), ended: z.number(), aborted: z.number() }))

/** How often each job has begun, ended and been told to abort in one process, by the id of the job. */
export type Runs = z.infer<typeof Runs>

/** What a job says that its handler does. A `hold` ends when it is released or, by its signal, when pg-boss aborts it; a `call` asks `url`. */
export interface JobData {
  does?: 'end' | 'end slowly' | 'fail' | 'fail once' | 'hold' | 'hold without signal' | 'call'
  message?: string
  [more: string]: unknown
}

/** A process with one instance of pg-boss. */
export interface Boss {
  version: string
  schema: string
  /** Calls a method of pg-boss as JSON can say it. @throws Error with the message of pg-boss */
  call: (method: string, ...args: unknown[]) => Promise<unknown>
  queue: (name: string, options?: object) => Promise<void>
  /** Sends a job, and returns its id; null when the policy of the queue refuses the job. */
  send: (queue: string, data: JobData, options?: object) => Promise<string | null>
  /** Works a queue as the data of each job say. */
  work: (queue: string, options?: object) => Promise<void>
  runs: () => Promise<Runs>
  /** Lets all handlers go on that hold. */
  release: () => Promise<void>
  /** Errors that pg-boss has reported. */
  faults: () => Promise<string[]>
  /** Ends it as a deployment does: handlers end first. */
  stop: () => Promise<void>
  /** `kill -9`. */
  kill: () => Promise<void>
}

export interface BossOptions {
  version: string
  /** The database. */
  url: string
  schema?: string
  /** Options of the constructor. By default it maintains its queues each second, and has no cron. */
  options?: Record<string, unknown>
}

/** Maintenance as often as pg-boss allows. Version 10 takes the intervals that it knows. */
const often = {
  supervise: true,
  superviseIntervalSeconds: 1,
  maintenanceIntervalSeconds: 1,
  monitorIntervalSeconds: 1,
  bamIntervalSeconds: 10,
  schedule: false,
}

/**
 * Starts pg-boss on a database under Node 24; it makes or migrates its schema. The process ends with the test file.
 * @throws Error with the message of pg-boss, or with what the process wrote
 */
export async function startBoss({ version, url, schema = 'pgboss', options }: BossOptions): Promise<Boss> {
  const library = entryOf(version)
  const { ask, end, kill } = startChild('./boss-program.ts', { title: `pg-boss ${version}`, library })
  const call: Boss['call'] = (method, ...args) => ask({ do: 'call', method, args })
  const runs = async () => Runs.parse(await ask({ do: 'runs' }))
  const boss: Boss = {
    version,
    schema,
    call,
    runs,
    // Version 10 wants the name in the options, too.
    queue: async (name, given = {}) => void (await call('createQueue', name, { name, ...given })),
    send: async (queue, data, given = {}) =>
      z
        .string()
        .nullable()
        .parse(await call('send', queue, data, given)),
    work: async (queue, given = {}) => void (await ask({ do: 'work', queue, options: given })),
    release: async () => void (await ask({ do: 'release' })),
    faults: async () => z.array(z.string()).parse(await ask({ do: 'faults' })),
    stop: async () => {
      await call('stop', { graceful: true, timeout: 30_000, wait: true })
      await end()
    },
    kill,
  }
  await ask({ do: 'start', library, options: { connectionString: url, schema, ...often, ...options } })
  return boss
}

/** Waits until `ended` runs of these jobs have ended in a process, and returns how often each job has run. */
export const untilEnded = (boss: Boss, ended: number): Promise<Runs> =>
  until(`${ended} jobs have ended`, async () => {
    const runs = await boss.runs()
    return Object.values(runs).reduce((all, run) => all + run.ended, 0) >= ended ? runs : undefined
  })

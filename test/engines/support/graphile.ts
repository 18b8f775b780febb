import { join } from 'node:path'
import * as z from 'zod'
import { graphileWorkerVersions, usedOf } from '../../../scripts/launch/engine-packages.ts'
import { until } from '../../support/poll.ts'
import { besideVersions, onlyVersion as only, startChild } from './child.ts'
import { type EngineDatabase, makeRecords, openEngineDatabase } from './engine-database.ts'

const Runs = z.record(z.string(), z.number())

/** A job to add: its task does what `does` says. `spec` is that of graphile-worker, such as `maxAttempts` or `queueName`. */
export interface NewJob {
  does?: 'end' | 'end slowly' | 'fail' | 'fail once' | 'hold' | 'call'
  /** What `call` asks. */
  url?: string
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

/** A database of graphile-worker. Its servers may change jobs. */
export interface GraphileDatabase extends EngineDatabase<Graphile, { schema?: string }> {
  /** Every job as its row is, by id. */
  rows: () => Promise<unknown[]>
  /** Waits until no job of graphile-worker is running or could be taken. */
  untilIdle: () => Promise<unknown>
}

/** Opens an empty database for one version of graphile-worker. */
export async function openGraphileDatabase(version: string): Promise<GraphileDatabase> {
  const database = await openEngineDatabase<Graphile, { schema?: string }>((url, { schema = 'graphile_worker' } = {}) =>
    startGraphile({ version, url, schema }),
  )
  const { sql } = database
  return {
    ...database,
    async serve(more) {
      await makeRecords('graphile-worker', database.env)
      return await database.serve(more)
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
  }
}

export async function startGraphile({
  version,
  url,
  schema,
}: Record<'version' | 'url' | 'schema', string>): Promise<Graphile> {
  const manifest = usedOf({ name: 'graphile-worker', version })
  const library = manifest && join(manifest, '../dist/index.js')
  const { ask, kill } = startChild('./graphile-program.ts', { title: `graphile-worker ${version}`, library })
  await ask({ do: 'start', library, url, schema })
  return {
    add: async (jobs) => {
      const added = jobs.map(({ does = 'end', url, spec = {} }) => ({ payload: { does, url }, spec }))
      return z.array(z.string()).parse(await ask({ do: 'add', jobs: added }))
    },
    work: async (concurrency) => void (await ask({ do: 'work', concurrency })),
    runs: async () => Runs.parse(await ask({ do: 'runs' })),
    release: async () => void (await ask({ do: 'release' })),
    kill,
  }
}

/** Declares the same tests beside each version of graphile-worker. */
export const besideEachGraphile = (title: string, tests: (version: string) => void): void =>
  besideVersions(
    { name: 'graphile-worker', label: 'graphile-worker', versions: only ? [only] : graphileWorkerVersions },
    title,
    tests,
  )

import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import * as z from 'zod'
import { startPostgres, type ThrowawayPostgres } from '../../../scripts/launch/postgres.ts'
import { withSchema } from '../../../sdk/worker.ts'
import { newFolder } from '../../support/database/database.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { until } from '../../support/poll.ts'
import { startWorker } from '../../support/sdk/running-worker.ts'
import { workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** A PostgreSQL that can be stopped, with one database for jobs of ours and another one for those of an engine. */
export interface Stage {
  postgres: ThrowawayPostgres
  /** A server on the database of our jobs. */
  own: World
  /** A server that looks at the jobs of the engine. */
  look: World
  /** How many jobs a condition finds in the database of the engine, in a session of its own. */
  countTheirs: (from: string) => Promise<number>
  close: () => Promise<void>
}

/** @param start makes the tables of the engine in its database, and starts its workers */
export async function openStage(start: (url: string) => Promise<void>): Promise<Stage> {
  const cluster = await startPostgres()
  const theirs = Object.assign(new URL(cluster.url), { pathname: '/theirs' }).href
  const worlds: World[] = []
  const serve = async (url: string) => {
    const env = { JOBS_DB_URL: url, JOBS_DATA_DIR: await newFolder('data') }
    const world = await openWorld('postgres', {}, Promise.resolve({ env, drop: async () => {} }))
    worlds.push(world)
    return world
  }
  const inSession = async <T>(url: string, run: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    return await run(sql).finally(() => sql.end())
  }
  await inSession(cluster.url, (sql) => sql`create database theirs`)
  const [own, look] = await Promise.all([serve(cluster.url), start(theirs).then(() => serve(theirs))])
  return {
    ...{ postgres: cluster, own, look },
    countTheirs: (from) =>
      inSession(theirs, async (sql) => {
        const [row] = await sql.unsafe<{ n: number }[]>(`select count(*)::int as n from ${from}`)
        return row?.n ?? 0
      }),
    async close() {
      await Promise.all(worlds.map((world) => world.stop()))
      await cluster.stop()
    },
  }
}

/** What the handlers of all jobs call. */
export interface Service {
  /** An address for each job of a queue. */
  urls: (queue: Queue) => string[]
  /** How often each job of a queue was answered. */
  answers: (queue: Queue) => number[]
  /** Waits until ten jobs of both queues were answered, or failed while it is away. */
  untilUsed: () => Promise<unknown>
  /** Breaks each connection until it is back. */
  setAway: (isAway: boolean) => void
}
type Queue = 'own' | 'theirs'

const jobsEach = 50
const Payload = z.object({ address: z.string() })

/** Starts a service, which ends with its test. */
export async function startService(): Promise<Service> {
  const used = new Map<string, number>()
  const answered = new Map<string, number>()
  let isAway = false
  const { url } = await fakeServer(async ({ path }) => {
    used.set(path, (used.get(path) ?? 0) + 1)
    if (isAway) return 'reset'
    await wait(20)
    answered.set(path, (answered.get(path) ?? 0) + 1)
    return {}
  })
  const pathsOf = (queue: Queue) => Array.from({ length: jobsEach }, (_, n) => `/${queue}/${n}`)
  const isUsed = (queue: Queue) => pathsOf(queue).filter((path) => used.has(path)).length >= 10
  return {
    urls: (queue) => pathsOf(queue).map((path) => `${url}${path}`),
    answers: (queue) => pathsOf(queue).map((path) => answered.get(path) ?? 0),
    untilUsed: () => until('ten jobs of both queues have called', () => isUsed('own') && isUsed('theirs')),
    setAway: (away) => {
      isAway = away
    },
  }
}

/** Enqueues a job of ours for each address, and starts a worker that calls them, two at once. It ends with its test. */
export async function workOwn({ post, url, key }: World, urls: string[]): Promise<void> {
  const domain = 'outage'
  await workerOf(post).enqueueAll(urls.map((address) => ({ domain, max_retries: 25, payload: { address } })))
  startWorker({
    ...{ url, apiKey: key, domain, concurrency: 2, waitSeconds: 2, leaseSeconds: 20 },
    handlers: { '*': withSchema(Payload, async ({ payload }) => (await fetch(payload.address)).text()) },
  })
}

/** Waits until all jobs of ours have completed. */
export const untilOwnDone = ({ rows }: World): Promise<boolean> =>
  until('all jobs of ours have completed', async () => (await rows()).every(({ status }) => status === 'completed'))

/** Stops PostgreSQL for some seconds, in which both servers say so. Resolves when they answer again. */
export async function stopPostgres({ postgres: cluster, own, look }: Stage): Promise<void> {
  const statuses = () => Promise.all([own, look].map(async ({ call }) => (await call('GET', paths.stats)).status))
  await cluster.halt()
  await until('both servers refuse', async () => (await statuses()).every((status) => status === 503))
  await wait(awayMs)
  await cluster.resume()
  await until('both servers answer', async () => (await statuses()).every((status) => status === 200))
}

const awayMs = 3000

import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { request } from 'undici'
import * as z from 'zod'
import { apiKey } from '../../../launch/server.ts'
import { mustLook, type Verdict } from '../../verdict.ts'
import { until } from '../../within.ts'
import type { StageReplica } from '../stage.ts'
import type { CallFailure } from './failures.ts'

/** Jobs that a server has confirmed, and when, in milliseconds since 1970. */
export interface Confirmed {
  ids: readonly number[]
  at: number
}

interface Reading {
  servers: readonly string[]
  /** Grows while jobs are enqueued. */
  confirmed: readonly Confirmed[]
  failures: CallFailure[]
  signal: AbortSignal
}

/** What was read. */
export interface ReplicaReads {
  made: number
  verdicts: Verdict[]
}

const everyMs = 300
/** A read at a replica that hangs is made at the primary within a few seconds, on a machine with little to do. */
const longestMs = 30_000
/** A job that is younger has not been pruned: it ends, is half a minute old, and waits for the next prune. */
const youngMs = 20_000
/** A list has room for the jobs of some seconds after the time of which it says to be. */
const [looked, listed] = [150, 500]
const Listed = z.array(z.object({ id: z.number() }))

/** Reads where a replica may answer, from each server, until `signal` aborts. Each list must have the newest jobs of its time. */
export async function readAtReplica({ servers, confirmed, failures, signal }: Reading): Promise<ReplicaReads> {
  const answers = { replica: 0, primary: 0 }
  const old: string[] = []
  const readFrom = async (server: string) => {
    for (let n = 0; !signal.aborted; n++) {
      const [newest] = confirmed.at(-1)?.ids ?? []
      const jobs = `list?limit=${listed}&sort_order=desc`
      const paths = [jobs, 'clusters', jobs, 'history', newest === undefined ? 'clusters' : `${newest}?redact=true`]
      const path = paths[n % paths.length] ?? ''
      const began = Date.now()
      try {
        const { place, asOf, body } = await read(`${server}/api/v1/jobs/${path}`)
        answers[place] += 1
        if (Date.now() - began > longestMs) throw new Error(`it took ${Math.round((Date.now() - began) / 1000)} s`)
        const lost = path === jobs ? lacking(Listed.parse(body), asOf, began) : []
        if (lost.length > 0) old.push(`the ${place} as of ${new Date(asOf).toISOString()} lacks the jobs ${lost}`)
      } catch (error) {
        failures.push({ what: `${path}: ${error}`, server, began, ended: Date.now() })
      }
      await wait(everyMs, undefined, { signal }).catch(() => {})
    }
  }
  /** Young jobs that were confirmed before this time, and are not listed. */
  const lacking = (list: z.output<typeof Listed>, asOf: number, began: number): number[] => {
    const ids = new Set(list.map(({ id }) => id))
    // A read that waited for a replica which hung may have newer jobs than it says, and no room for these.
    const oldest = list.length < listed ? 0 : Math.min(...ids)
    const wanted = confirmed.filter(({ at }) => at < asOf && at > began - youngMs).flatMap((batch) => batch.ids)
    return wanted.slice(-looked).filter((id) => id >= oldest && !ids.has(id))
  }
  await Promise.all(servers.map(readFrom))
  const { replica, primary } = answers
  return {
    made: replica + primary,
    verdicts: [
      { claim: 'no answer of a replica is older than it says', looked: replica, wrong: old },
      { claim: 'the primary answers where the replica does not', looked: primary, wrong: [] },
    ].map(mustLook),
  }
}

const Place = z.object({ 'x-read-from': z.enum(['replica', 'primary']), 'x-as-of': z.string().optional() })

/** @throws Error with the text of the answer where its status is not 200; ZodError where its headers do not say which database was read */
async function read(url: string) {
  const { statusCode, headers, body } = await request(url, {
    headers: { 'x-api-key': apiKey, 'x-stale-ok': 'true' },
    headersTimeout: 2 * longestMs,
  })
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`${statusCode}: ${text.slice(0, 200)}`)
  const { 'x-read-from': place, 'x-as-of': asOf } = Place.parse(headers)
  // Without a time it is the answer of a primary, to which nobody else had to be asked.
  return { place, asOf: asOf === undefined ? Number.NEGATIVE_INFINITY : Date.parse(asOf), body: JSON.parse(text) }
}

/**
 * How long the replica is in trouble, and how long it works in between: a server looks again 10 s after a replica has hung. Changes of many
 * jobs wait for one that lags by 10 s.
 */
const [troubleMs, calmMs] = [5000, 15_000]

/** Lets the replica lag, hang and crash in turn, until `signal` aborts. Recovery cancels statements on it all the time. */
export async function troubleReplica({ server, way }: StageReplica, signal: AbortSignal): Promise<void> {
  // Recovery cancels these statements, too.
  const command = (statement: string) =>
    until(`the replica takes ${statement}`, async () => {
      // The driver leaves it to nobody to catch what ends its own read of the types.
      const sql = postgres(server.url, { max: 1, connect_timeout: 5, fetch_types: false, onnotice: () => {} })
      const asked = sql.unsafe(statement).then(
        () => true,
        () => false,
      )
      // A connection that breaks while the driver makes it may leave the statement without an answer.
      const isTaken = await Promise.race([asked, wait(10_000, false, { ref: false })])
      await sql.end({ timeout: 1 })
      return isTaken
    })
  const pause = (ms: number) => wait(ms, undefined, { signal }).catch(() => {})
  await command('alter system set max_standby_streaming_delay = 0')
  await command('select pg_reload_conf()')
  const troubles: readonly [begin: () => Promise<void>, end: () => Promise<void>][] = [
    [() => command('select pg_wal_replay_pause()'), () => command('select pg_wal_replay_resume()')],
    [async () => way.hang(), async () => way.goOn()],
    [server.crash, server.resume],
  ]
  for (let n = 0; !signal.aborted; n++) {
    await pause(calmMs)
    const trouble = troubles[n % troubles.length]
    if (signal.aborted || !trouble) return
    await trouble[0]()
    await pause(troubleMs)
    await trouble[1]()
  }
}

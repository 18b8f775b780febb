import { readdir } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Server } from '../../launch/restartable.ts'
import { memoryOf } from '../../launch/server.ts'

/** What a process has at a moment. */
export interface Sample {
  pid: number
  /** Seconds since the first sample. */
  at: number
  /** Resident memory in MiB. */
  memory: number
  descriptors: number
}

/** What was seen while jobs ran. */
export interface Samples {
  all: Sample[]
  /** Transactions and advisory locks of servers that were older than a transaction may be. */
  stale: string[]
  /** The most rows that each table had. */
  mostRows: Map<string, number>
}

const everyMs = 2000
/** The tables whose size is compared with their rows. */
export const sizedTables = ['jobs', 'job_events', 'jobs_archive'] as const

/** Reads the memory and the descriptors of a process; undefined where it has ended. */
export async function sampleOf(pid: number | undefined, at: number): Promise<Sample | undefined> {
  try {
    const memory = await memoryOf(pid)
    const descriptors = (await readdir(`/proc/${pid}/fd`)).length
    return pid === undefined || Number.isNaN(memory) ? undefined : { pid, at, memory, descriptors }
  } catch {
    return undefined
  }
}

/** Looks at the servers and at the sessions of the database every 2 s until `signal` aborts. */
export async function takeSamples(sql: Sql, servers: readonly Server[], signal: AbortSignal): Promise<Samples> {
  const samples: Samples = { all: [], stale: [], mostRows: new Map() }
  const began = performance.now()
  let before = new Set<number>()
  for (let n = 0; !signal.aborted; n++) {
    const at = (performance.now() - began) / 1000
    for (const server of servers) {
      const sample = await sampleOf(server.pid(), at)
      if (sample) samples.all.push(sample)
    }
    const stale = await staleSessions(sql)
    // PostgreSQL reads sessions and locks one after the other: a lock that ends in between looks as if it had no transaction, at one look.
    samples.stale.push(...stale.filter(({ pid }) => before.has(pid)).map(({ what }) => what))
    before = new Set(stale.map(({ pid }) => pid))
    if (n % 15 === 0) await countRows(sql, samples.mostRows)
    await wait(everyMs, undefined, { signal }).catch(() => {})
  }
  await countRows(sql, samples.mostRows)
  return samples
}

/** Transactions that are open for a minute, with the advisory locks that they hold, and such locks of sessions without a transaction. */
export const staleSessions = (sql: Sql, seconds = 60) => sql<{ pid: number; what: string }[]>`
    select a.pid, concat_ws(', ', 'a session is ' || a.state, 'in a transaction since ' || (now() - a.xact_start), l.count || ' advisory locks', left(a.query, 80)) as what
    from pg_stat_activity a
    left join (select pid, count(*) from pg_locks where locktype = 'advisory' group by pid) l on l.pid = a.pid
    where a.application_name = 'jobs-server' and a.datname = current_database()
      and (
        -- An idle session that takes in a notification shows, meanwhile, the time of its last statement as xact_start.
        coalesce(a.state <> 'idle' and a.xact_start < clock_timestamp() - ${seconds} * interval '1 second', false)
        or (l.pid is not null and a.xact_start is null)
      )`

async function countRows(sql: Sql, most: Map<string, number>): Promise<void> {
  for (const table of sizedTables) {
    const [row] = await sql<[{ count: number }]>`select count(*)::float8 as count from ${sql(table)}`
    most.set(table, Math.max(most.get(table) ?? 0, row.count))
  }
}

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import { until } from '../within.ts'
import { type Node, startOn } from './cluster/node.ts'
import type { Programs } from './cluster/packages.ts'
import { directly } from './watch.ts'

/** An event as it was told, which no other event is like. */
export interface Told {
  id: number
  job_id: number | null
  event_type: string
  request_id: string | null
}

/** What a primary had when it was lost. */
export interface OldPrimary {
  /** Events that it had committed where the new primary has the log of it, too. */
  shared: Told[]
  /** Events that it had committed after the place from which the new primary goes on: PostgreSQL lost these. */
  lost: Told[]
}

interface Looking {
  old: Node
  fresh: Node
  programs: Programs
  database: string
  /** Where the log was when the round began. */
  since: string
}

/** Reads the log and the data of a halted node, as PostgreSQL recovers them. The node cannot go back to its place then. */
export async function lookAtOldPrimary(looking: Looking): Promise<OldPrimary> {
  const { timeline, position } = await switchPoint(looking.fresh)
  const commits = await commitsOf(looking, timeline)
  const events = await eventsOf(looking)
  const kept = ({ transaction }: { transaction: string }) => (commits.get(transaction) ?? 0n) < position
  return { shared: events.filter(kept), lost: events.filter((event) => !kept(event)) }
}

/** The last timeline before the present one, and the place in the log at which it ended. */
async function switchPoint({ data }: Node): Promise<{ timeline: number; position: bigint }> {
  const log = join(data, 'pg_wal')
  const last = (await readdir(log))
    .filter((name) => name.endsWith('.history'))
    .sort()
    .at(-1)
  const lines = last === undefined ? [] : (await readFile(join(log, last), 'utf8')).trim().split('\n')
  const [, timeline, position] = /^(\d+)\t(\S+)/.exec(lines.at(-1) ?? '') ?? []
  if (position === undefined) throw new Error('the new primary has no history of timelines')
  return { timeline: Number(timeline), position: positionOf(position) }
}

/** `1/A0` as a number. */
function positionOf(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}

/** Where in the log each transaction was committed, its subtransactions included. */
async function commitsOf({ old, programs, since }: Looking, timeline: number): Promise<Map<string, bigint>> {
  const argv = ['-p', join(old.data, 'pg_wal'), '-t', String(timeline), '-s', since, '-r', 'Transaction']
  // It ends with an error where the log ends.
  const text = await new Promise<string>((resolve) => {
    execFile(join(programs.postgres, 'pg_waldump'), argv, { maxBuffer: 2 ** 29 }, (_, out) => resolve(out))
  })
  const commits = new Map<string, bigint>()
  for (const [, transaction = '', at = '', more = ''] of text.matchAll(
    /tx: +(\d+), lsn: ([^,]+),.*desc: COMMIT(.*)$/gm,
  )) {
    const [, parts = ''] = /subxacts: ([\d ]+)/.exec(more) ?? []
    for (const each of [transaction, ...parts.split(' ')]) commits.set(each, positionOf(at))
  }
  return commits
}

/** Starts PostgreSQL alone on the data, without the files that make it a standby. */
async function eventsOf({ old, programs, database }: Looking): Promise<(Told & { transaction: string })[]> {
  for (const name of ['standby.signal', 'recovery.signal']) await rm(join(old.data, name), { force: true })
  const { address, postgresPort } = old.place
  const child = startOn(old, [
    ...([join(programs.postgres, 'postgres'), '-D', old.data, '-p', String(postgresPort)] as const),
    ...['-c', `listen_addresses=${address}`, '-c', 'primary_conninfo=', '-c', 'synchronous_standby_names='],
  ])
  const sql = directly(old, database)
  try {
    await until('the old primary alone', () => readable(sql))
    return await sql`
      select id::float8, job_id::float8, event_type, request_id, xmin::text as transaction from job_events order by id`
  } finally {
    await sql.end({ timeout: 0 })
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGINT')
      await once(child, 'exit')
    }
  }
}

const readable = (sql: Sql): Promise<boolean> =>
  sql`select 1`.then(
    () => true,
    () => false,
  )

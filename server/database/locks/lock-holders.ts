import { channel } from 'node:diagnostics_channel'
import { Failure } from '../../../shared/errors.ts'
import type { Log } from '../../log/log.ts'
import { keyOf, type Lock, type Wanted } from '../advisory-locks.ts'
import type { Sql } from '../sql.ts'

/** A session that keeps a transaction from an advisory lock of ours. */
export interface Holder {
  /** Null for a prepared transaction. */
  pid: number | null
  role: string | null
  application: string | null
  /** False where it only waits for the lock, and has to get it first. */
  granted: boolean
  /** True for a role that may write records, or become one that may: it may be a server. Others are none. */
  trusted: boolean
}

/**
 * The sessions because of which this transaction does not get an advisory lock: those that have it, or else those that wait for it.
 * Every role may read `pg_locks`, and role and application in `pg_stat_activity`.
 */
export async function findHolders(tx: Sql, { lock, shared }: Wanted): Promise<Holder[]> {
  const found = await tx<Holder[]>`
    select
      held.pid, holder.rolname as role, activity.application_name as application, held.granted,
      holder.oid is null or exists (
        select
        from pg_roles as other
        where pg_has_role(holder.oid, other.oid, 'member')
          and has_table_privilege(other.oid, to_regclass('job_operations'), 'update')
      ) as trusted
    from (select ${keyOf(tx, lock)} as key) as wanted
    join pg_locks as held on held.locktype = 'advisory'
      and held.database = (select oid from pg_database where datname = current_database())
      and held.objsubid = 1
      and held.classid = ((wanted.key >> 32) & 4294967295)::oid
      and held.objid = (wanted.key & 4294967295)::oid
      and held.pid is distinct from pg_backend_pid()
    left join pg_stat_activity as activity on activity.pid = held.pid
    left join pg_prepared_xacts as prepared
      on held.pid is null and held.virtualtransaction = '-1/' || prepared.transaction::text
    left join pg_roles as holder on holder.oid = activity.usesysid or holder.rolname = prepared.owner
    where ${shared ? tx`held.mode = 'ExclusiveLock'` : tx`true`}`
  const having = found.filter(({ granted }) => granted)
  return having.length > 0 ? having : found
}

/** True where there are such sessions, and none of them can be a server. */
export const areStrangers = (holders: readonly Holder[]): boolean =>
  holders.length > 0 && holders.every(({ trusted }) => !trusted)

/** For so long, in milliseconds, nobody waits again for a role that held a lock of ours, and the log does not name it again. */
const [knownMs, silentMs] = [60_000, 600_000]
/** When each role was last seen with a lock of ours, and when the log was told of a role and a lock. The roles of a cluster are few. */
const [seen, told] = [new Map<string, number>(), new Map<string, number>()]

const isWithin = (times: Map<string, number>, name: string, ms: number): boolean =>
  performance.now() - (times.get(name) ?? Number.NEGATIVE_INFINITY) < ms

/** True for strangers of roles for which this process has waited a moment ago, whatever lock they had then, and in which session. */
export const areKnown = (holders: readonly Holder[]): boolean =>
  areStrangers(holders) && holders.every(({ role }) => isWithin(seen, String(role), knownMs))

const strangers = channel('jobs-server.lock-held-by-stranger')

/** Remembers the roles of strangers that hold a lock, and tells the log, of each role and lock once in ten minutes. */
export function noteStrangers(lock: Lock, holders: readonly Holder[], outcome: string): void {
  for (const holder of holders) {
    const name = `${lock} ${holder.role}`
    seen.set(String(holder.role), performance.now())
    if (isWithin(told, name, silentMs)) continue
    told.set(name, performance.now())
    strangers.publish(`${textOf(lock, holder)}, and its role cannot be that of a jobs server: ${outcome}`)
  }
}

/** Has the log warn of strangers that hold locks of ours. */
export const warnOfStrangers = (log: Pick<Log, 'warn'>): void => strangers.subscribe((text) => log.warn(String(text)))

/** The failure of a call that does not get a lock. */
export const lockBusy = (lock: Lock, holder: Holder | undefined): Failure =>
  new Failure(
    'database_busy',
    holder === undefined
      ? `other transactions hold the lock of ${uses[lock]}; nothing was changed`
      : `${textOf(lock, holder)}; nothing was changed`,
    {
      hint:
        holder?.pid == null
          ? 'try again in a moment'
          : `try again in a moment; where it does not end by itself: select pg_terminate_backend(${holder.pid})`,
      retryAfter: 5,
    },
  )

const textOf = (lock: Lock, { pid, role, application }: Holder): string =>
  `${pid === null ? 'a prepared transaction' : `the session with pid ${pid}`} (role ${JSON.stringify(role ?? '')}, application ${JSON.stringify(application ?? '')}) has the lock of ${uses[lock]}`

/** What each lock is for, in words. */
const uses: Record<Lock, string> = {
  migrations: 'migrations',
  counts: 'the counts',
  operations: 'changes that begin',
  edges: 'undos of a prune',
  chain: 'records that are sealed',
  events: 'the retention of events',
  history: 'the history',
  freeze: 'freezes and changes',
}

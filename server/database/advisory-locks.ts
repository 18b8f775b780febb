import { type Fragment, type Sql, staticFragment } from './sql.ts'

/**
 * The locks that the servers on one database share, in the order in which one transaction may take several of
 * them. Each lock belongs to a transaction, not to a session, because a pooler gives each transaction another session. It is a row of
 * `jobsctl_locks`, and before it an advisory lock whose key is the hash of a text: servers up to 0.2.0 take that one alone, so the texts
 * never change (`locks/hold-lock.ts`).
 *
 * 1. `migrations`: the server that brings the schema up to date, for as long as that takes. It keeps two servers from
 *    making the same table or index. It is only tried; a server that does not get it looks again after 200 ms.
 * 2. `counts`: the server that adds up what writers have appended to the counts, or that reconciles the counts with the
 *    jobs. It keeps appended rows from being added twice. It is held alone; compaction only tries it.
 * 3. `operations`: a bulk change while it writes the record with which it begins. It keeps two changes of the same kind
 *    from beginning in one scope, since each looks first whether another one runs.
 * 4. `edges`: an undo of a prune while it restores a batch, where `job_dependencies` has a foreign key. It keeps two
 *    undos from restoring the two ends of one dependency without seeing each other.
 * 5. `chain`: a transaction that seals the record of an operation, until its commit. It keeps two records from
 *    following the same record in the hash chain. `operations` may be held before it: a change that begins closes the
 *    records that a dead server has left behind.
 * 6. `events`: the server that deletes events whose term is over, for one batch. It is only tried; another server leaves
 *    the work to it.
 * 7. `history`: the server that adds up transitions of jobs, for one transaction. It keeps two servers from waiting for each
 *    other's sums in a circle. It is only tried.
 *
 * `freeze` comes before all of them: each change that a freeze refuses shares it until its commit. `jobs-server freeze` takes it
 * alone, in a transaction of its own, when its freeze is committed: then no change that began before the freeze is left.
 */
export type Lock = 'migrations' | 'counts' | 'operations' | 'edges' | 'chain' | 'events' | 'history' | 'freeze'

/** A lock as a transaction wants it: alone, or shared with others that share it. */
export interface Wanted {
  lock: Lock
  shared: boolean
}

const keys: Record<Lock, (sql: Sql) => Fragment> = {
  migrations: staticFragment((sql) => sql`hashtext('jobsctl migrations')::bigint`),
  counts: staticFragment((sql) => sql`hashtext('jobsctl counts')::bigint`),
  operations: staticFragment((sql) => sql`hashtextextended('jobsctl operations', 0)`),
  edges: staticFragment((sql) => sql`hashtext('jobsctl edges')::bigint`),
  chain: staticFragment((sql) => sql`hashtextextended('jobsctl chain', 0)`),
  events: staticFragment((sql) => sql`hashtextextended('jobsctl events', 0)`),
  history: staticFragment((sql) => sql`hashtextextended('jobsctl history', 0)`),
  freeze: staticFragment((sql) => sql`hashtextextended('jobsctl freeze', 0)`),
}

/** The key of the advisory lock, an SQL expression of type bigint. */
export const keyOf = (sql: Sql, lock: Lock): Fragment => keys[lock](sql)

/** An SQL expression of type void: waits until the transaction has the advisory lock, which it keeps until its end. */
export const takeLock = (sql: Sql, lock: Lock): Fragment => sql`pg_advisory_xact_lock(${keyOf(sql, lock)})`

/** An SQL expression of type void: waits until the transaction shares the advisory lock, which it keeps until its end. */
export const takeSharedLock = (sql: Sql, lock: Lock): Fragment => sql`pg_advisory_xact_lock_shared(${keyOf(sql, lock)})`

/** An SQL expression of type boolean: true when the transaction has the advisory lock now. It does not wait. */
export const tryLock = (sql: Sql, { lock, shared }: Wanted): Fragment =>
  shared
    ? sql`pg_try_advisory_xact_lock_shared(${keyOf(sql, lock)})`
    : sql`pg_try_advisory_xact_lock(${keyOf(sql, lock)})`

import { type Lock, takeLock, takeSharedLock, tryLock, type Wanted } from '../advisory-locks.ts'
import { isLocked } from '../errors/failure.ts'
import type { Fragment, Sql, Transaction } from '../sql.ts'
import { limitIdleTime } from '../timeouts.ts'
import { areKnown, areStrangers, findHolders, lockBusy, noteStrangers } from './lock-holders.ts'

/** How long a transaction waits for an advisory lock before it looks who has it, in milliseconds. */
const lookAfterMs = 2000

interface Holding {
  /** Together with others that share the lock, in place of alone. */
  shared?: boolean
  /** A read that sees what the holders before have committed. It is sent together with the statement that takes the row. */
  read?: () => Promise<unknown>
}

/**
 * Waits until the transaction holds a lock, which it keeps until its end: the advisory lock, by which servers up to 0.2.0 exclude each other,
 * and then the row. Any role may take an advisory lock. Where one has it that may not write records, the row alone decides. For a holder that may
 * be a server the transaction waits as long as for any other lock (`lock_timeout`). But for `freeze`, PostgreSQL ends a transaction that holds
 * a lock and is idle for 10 s.
 * @throws Failure `database_busy` that names the holder; whatever `read` throws
 */
export async function holdLock(tx: Transaction, lock: Lock, { shared = false, read }: Holding = {}): Promise<void> {
  const wanted = { lock, shared }
  const tried = await tryNow(tx, wanted, lock === 'freeze' ? freezeHeld(tx) : limitIdleTime(tx))
  if (!tried.held) await waitOrPass(tx, wanted, tried)
  const [isNew] = await Promise.all([tried.rows && lockRow(tx, wanted), read?.()])
  if (isNew) await read?.()
}

/** The trigger that refuses changes of earlier servers (migration 0053) has nothing to wait for after this lock. */
const freezeHeld = (sql: Sql): Fragment => sql`set_config('jobsctl.freeze_held', 'on', true)`

/**
 * Holds a lock if that is possible now.
 * @returns false where another server has it
 */
export async function tryToHoldLock(tx: Sql, lock: Lock): Promise<boolean> {
  const wanted = { lock, shared: false }
  const { held, rows } = await tryNow(tx, wanted)
  if (!held) {
    const holders = await findHolders(tx, wanted)
    if (!areStrangers(holders)) return false
    noteStrangers(lock, holders, rows ? goesOn : waits)
    if (!rows) return false
  }
  if (!rows) return true
  const row = () => tx`select from jobsctl_locks where name = ${lock} for update skip locked`
  const isThere = () => tx`select from jobsctl_locks where name = ${lock}`
  return (await row()).count > 0 || ((await isThere()).count === 0 && (await addRow(tx, lock)))
}

const goesOn = 'servers go on without it, by the rows of jobsctl_locks'
const waits = 'the table jobsctl_locks is missing or refused to this role, so this waits until the session ends'

interface Tried {
  /** The transaction has the advisory lock. */
  held: boolean
  /** The role may lock the rows. */
  rows: boolean
  /** `lock_timeout`, in milliseconds. */
  timeout: number
}

/** A lock of a database that answers nothing, such as that of a test of statements. */
const withoutRows: Tried = { held: true, rows: false, timeout: 0 }

/** @param setting an expression that sets something for the transaction */
async function tryNow(tx: Sql, wanted: Wanted, setting?: Fragment): Promise<Tried> {
  const [tried = withoutRows] = await tx<Tried[]>`
    select ${setting ? tx`${setting},` : tx``}
      ${tryLock(tx, wanted)} as held,
      coalesce(has_table_privilege(to_regclass('jobsctl_locks'), 'select'), false)
        and coalesce(has_table_privilege(to_regclass('jobsctl_locks'), 'update'), false) as rows,
      (extract(epoch from current_setting('lock_timeout')::interval) * 1000)::int as timeout`
  return tried
}

/**
 * Waits for the advisory lock, or finds that only strangers have it.
 * @throws Failure `database_busy` where a server may have it, or where the row cannot take its place
 */
async function waitOrPass(tx: Transaction, wanted: Wanted, { rows, timeout }: Tried): Promise<void> {
  const { lock } = wanted
  const first = rows ? await findHolders(tx, wanted) : []
  if (areKnown(first)) return noteStrangers(lock, first, goesOn)
  for (const end = performance.now() + Math.max(timeout, lookAfterMs); ; ) {
    if (await hasComeWithin(tx, wanted, lookAfterMs)) return
    const holders = await findHolders(tx, wanted)
    if (areStrangers(holders)) {
      noteStrangers(lock, holders, rows ? goesOn : waits)
      if (rows) return
    }
    const [holder] = holders.filter(({ trusted }) => trusted || !rows)
    // Where nobody has it any more, it comes.
    if (performance.now() >= end && (holder || performance.now() >= end + lookAfterMs)) throw lockBusy(lock, holder)
  }
}

/** A savepoint keeps the transaction when the time is over. */
const hasComeWithin = (tx: Transaction, { lock, shared }: Wanted, ms: number): Promise<boolean> =>
  tx
    .savepoint(async (point) => {
      const [before] = await point<[{ timeout: string }]>`
        select current_setting('lock_timeout') as timeout, set_config('lock_timeout', ${String(ms)}, true)`
      await point`select ${shared ? takeSharedLock(point, lock) : takeLock(point, lock)}`
      await point`select set_config('lock_timeout', ${before.timeout}, true)`
      return true
    })
    .catch((error: unknown) => {
      if (isLocked(error)) return false
      throw error
    })

/** @returns true for a row that somebody has deleted: it is made again, and then locked by this transaction */
async function lockRow(tx: Sql, { lock, shared }: Wanted): Promise<boolean> {
  const row = () =>
    shared
      ? tx`select from jobsctl_locks where name = ${lock} for share`
      : tx`select from jobsctl_locks where name = ${lock} for update`
  if ((await row()).count > 0) return false
  await addRow(tx, lock)
  await row()
  return true
}

/** False where another transaction has added it. */
const addRow = async (tx: Sql, lock: Lock): Promise<boolean> =>
  (await tx`insert into jobsctl_locks (name) values (${lock}) on conflict (name) do nothing`).count > 0

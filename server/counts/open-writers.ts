import type { Pool } from '../database/sql.ts'

/** Tells whether every transaction has ended that may have written jobs before the triggers counted. */
export interface OpenWriters {
  /**
   * True once those transactions have ended: what is written from now on is counted by the present triggers. It starts again when
   * `triggers`, a text that identifies the present ones, differs from the previous text.
   */
  haveEnded: (triggers: string) => Promise<boolean>
  /** Starts again, because rows may be missing. */
  reset: () => void
}

/** Follows the transactions of the database that are open at the first call of `haveEnded`. */
export function createOpenWriters(sql: Pool): OpenWriters {
  let before: { triggers: string; ids: string[]; prepared: boolean } | undefined
  return {
    async haveEnded(triggers) {
      if (before?.triggers !== triggers) before = { triggers, ids: await openTransactions(sql), prepared: false }
      const open = await openTransactions(sql)
      if (before.ids.some((id) => open.includes(id))) return false
      if (before.prepared) return true
      // A transaction may have been prepared meanwhile, and has another name since then.
      before = { triggers, ids: open.filter((id) => id.startsWith(preparedId)), prepared: true }
      return before.ids.length === 0
    },
    reset() {
      before = undefined
    },
  }
}

const preparedId = 'prepared '

/** The transactions of this database that have written something, or that have a snapshot; the prepared ones, too. */
async function openTransactions(sql: Pool): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select virtualtransaction as id
    from pg_stat_activity
    join pg_locks using (pid)
    where locktype = 'virtualxid' and pid <> pg_backend_pid()
      and datid = (select oid from pg_database where datname = current_database())
      and (backend_xid is not null or backend_xmin is not null)
      -- VACUUM writes no jobs, and takes long where there are many.
      and pid not in (select pid from pg_stat_progress_vacuum)
    union all
    select ${preparedId} || transaction from pg_prepared_xacts where database = current_database()`
  return rows.map(({ id }) => id)
}

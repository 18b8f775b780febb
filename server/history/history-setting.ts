import type { Sql } from '../database/sql.ts'

/** Whether history is on, which all servers on the database share. */
export async function readHistorySetting(sql: Sql): Promise<boolean> {
  const [row] = await sql`select from jobsctl_settings where name = 'history' and value = 'on'`
  return row !== undefined
}

/**
 * Writes the setting that the environment of a server has; undefined leaves it as it is.
 * @returns true when it is another one now
 */
export async function writeHistorySetting(sql: Sql, on: boolean | undefined): Promise<boolean> {
  if (on === undefined) return false
  const { count } = await sql`
    insert into jobsctl_settings as known (name, value)
    values ('history', ${on ? 'on' : 'off'})
    on conflict (name) do update set value = excluded.value
    where known.value <> excluded.value`
  return count > 0
}

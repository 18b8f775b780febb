import type { Sql } from '../../database/sql.ts'

const name = 'approval_above'

/** Above how many jobs a change needs an approval, by the setting in the database; undefined where nobody has set it. */
export async function readApprovalSetting(sql: Sql): Promise<number | undefined> {
  const [row] = await sql<{ above: number }[]>`
    select value::bigint as above from jobsctl_settings where name = ${name}::text`
  return row?.above
}

/** The number that holds: that of the database, or a lower one of this server; undefined where no change needs an approval. */
export async function readApprovalAbove(sql: Sql, ofServer: number | undefined): Promise<number | undefined> {
  const least = Math.min(
    (await readApprovalSetting(sql)) ?? Number.POSITIVE_INFINITY,
    ofServer ?? Number.POSITIVE_INFINITY,
  )
  return Number.isFinite(least) ? least : undefined
}

/** @param above null takes the setting away */
export async function writeApprovalSetting(tx: Sql, above: number | null): Promise<void> {
  if (above === null) await tx`delete from jobsctl_settings where name = ${name}::text`
  else
    await tx`
      insert into jobsctl_settings (name, value) values (${name}::text, ${String(above)}::text)
      on conflict (name) do update set value = excluded.value`
}

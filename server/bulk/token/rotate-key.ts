import type { Sql } from '../../database/sql.ts'

/** Longer than a plan lives, whose preview is signed when it is made. */
const takenForDays = 8

/** A random text of 64 hexadecimal digits. */
const newKey = (sql: Sql) => sql`replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')`

/**
 * Gives the database another key that signs previews. What the key before it has signed is taken for eight days, or no more at once.
 * A rotation within these days ends the key of two rotations ago.
 * @returns the number of plans that expire, since their key is taken no more
 */
export async function rotatePreviewKey(tx: Sql, { atOnce }: { atOnce: boolean }): Promise<number> {
  await tx`select from jobsctl_settings where name = 'preview_key' for update`
  const expired = await expirePlans(tx, atOnce)
  await tx`delete from jobsctl_settings where name = 'preview_key_previous'`
  if (!atOnce)
    await tx`
      insert into jobsctl_settings (name, value)
      select 'preview_key_previous',
        jsonb_build_object('key', value, 'until', now() + ${takenForDays}::int * interval '24 hours')::text
      from jobsctl_settings
      where name = 'preview_key'`
  // Hashes of erased filters stay what they are.
  await tx`
    insert into jobsctl_settings (name, value)
    select 'hash_key', value from jobsctl_settings where name = 'preview_key'
    on conflict (name) do nothing`
  await tx`update jobsctl_settings set value = ${newKey(tx)} where name = 'preview_key'`
  return expired
}

/** Policies that wait have no preview, and no key. */
async function expirePlans(tx: Sql, all: boolean): Promise<number> {
  const { count } = await tx`
    update jobsctl_plans p
    set expires_at = now()
    where p.expires_at > now()
      and p.kind <> 'policy'
      and not exists (select from job_operations o where o.preview_id = p.preview_id)
      and (
        ${all}
        or p.created_at < (
          select (value::jsonb ->> 'until')::timestamptz - ${takenForDays}::int * interval '24 hours'
          from jobsctl_settings
          where name = 'preview_key_previous'
        )
      )`
  return count
}

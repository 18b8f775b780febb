import type { Sql } from '../../database/sql.ts'

/** Longer than a plan lives, whose preview is signed when it is made. */
const takenForDays = 8

/** A random text of 64 hexadecimal digits. */
const newKey = (sql: Sql) => sql`replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')`

/**
 * Gives the database another key that signs previews. What the key before it has signed is taken for eight days, or no more at once.
 */
export async function rotatePreviewKey(tx: Sql, { atOnce }: { atOnce: boolean }): Promise<void> {
  await tx`select from jobsctl_settings where name = 'preview_key' for update`
  await tx`delete from jobsctl_settings where name = 'preview_key_previous'`
  if (!atOnce)
    await tx`
      insert into jobsctl_settings (name, value)
      select 'preview_key_previous',
        jsonb_build_object('key', value, 'until', now() + ${takenForDays}::int * interval '24 hours')::text
      from jobsctl_settings
      where name = 'preview_key'`
  await tx`update jobsctl_settings set value = ${newKey(tx)} where name = 'preview_key'`
}

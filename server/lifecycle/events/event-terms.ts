import type { Sql } from '../../database/sql.ts'
import type { Env } from '../../env/env.ts'

/** The two kinds of events: steps of jobs, which have a job_id, and what operators and the server did, which have none. */
export type EventKind = 'steps' | 'audit'

/** For how many days the events of each kind are kept; null for ever. */
export type EventTerms = Record<EventKind, number | null>

/** The names in `jobsctl_settings`. */
const settings: Record<EventKind, string> = { steps: 'events_days', audit: 'audit_days' }

/** Reads the terms, which all servers on the database share. A value that is no number of days counts as none. */
export async function readEventTerms(sql: Sql): Promise<EventTerms> {
  const rows = await sql<{ name: string; days: number }[]>`
    select name, value::int as days
    from jobsctl_settings
    where name = any(${Object.values(settings)}::text[])
      and case when value ~ '^[1-9][0-9]{0,4}$' then value::int <= 36500 else false end`
  const daysOf = (kind: EventKind) => rows.find(({ name }) => name === settings[kind])?.days ?? null
  return { steps: daysOf('steps'), audit: daysOf('audit') }
}

/**
 * Writes the terms that the environment of a server has. A term that it does not have stays as it is.
 * @returns the terms that are others now
 */
export async function writeEventTerms(
  sql: Sql,
  { JOBS_EVENTS_DAYS, JOBS_AUDIT_DAYS }: Pick<Env, 'JOBS_EVENTS_DAYS' | 'JOBS_AUDIT_DAYS'>,
): Promise<Partial<EventTerms>> {
  const given = { [settings.steps]: JOBS_EVENTS_DAYS, [settings.audit]: JOBS_AUDIT_DAYS }
  const rows = await sql<{ name: string; days: number }[]>`
    insert into jobsctl_settings as known (name, value)
    select name, days
    from jsonb_each_text(${JSON.stringify(given)}::text::jsonb) as term (name, days)
    order by name
    on conflict (name) do update set value = excluded.value
    where known.value <> excluded.value
    returning name, value::int as days`
  const changed: Partial<EventTerms> = {}
  for (const { name, days } of rows) changed[name === settings.steps ? 'steps' : 'audit'] = days
  return changed
}

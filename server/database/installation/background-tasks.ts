import { type Fragment, isShownTime, type Sql } from '../sql.ts'

/** When a task in the background last succeeded, and what it found then. */
export interface DoneTask {
  task: string
  /** Seconds since 1970. */
  succeeded: number
  found: unknown
}

/** All tasks that have succeeded once, on whichever server. */
export const readTasks = async (sql: Sql): Promise<DoneTask[]> => [
  ...(await sql<DoneTask[]>`
    select task, extract(epoch from succeeded_at)::float8 as succeeded, found
    from jobsctl_tasks
    where ${isShownTime(sql, sql`succeeded_at`)}
    order by task`),
]

/**
 * Takes a task for this server where no server began with it within `seconds`. A server that dies with a task leaves it for as long. A
 * time more than a minute ahead is one of a clock of the database that was set back since.
 * @returns false when it is the task of another server, or is not due
 */
export async function takeTask(sql: Sql, task: string, seconds: number): Promise<boolean> {
  const isOver = (begun: Fragment) => sql`
    ${begun} not between now() - ${seconds}::int * interval '1 second' and now() + interval '1 minute'`
  const [fresh] = await sql`select from jobsctl_tasks where task = ${task} and not (${isOver(sql`begun_at`)})`
  if (fresh) return false
  const { count } = await sql`
    insert into jobsctl_tasks as known (task, begun_at) values (${task}, now())
    on conflict (task) do update
    set begun_at = excluded.begun_at
    where ${isOver(sql`known.begun_at`)}`
  return count > 0
}

/** Notes that a task has succeeded now, with what it found as JSON. */
export async function noteSuccess(sql: Sql, task: string, found?: Record<string, number>): Promise<void> {
  const json = found === undefined ? null : JSON.stringify(found)
  await sql`
    insert into jobsctl_tasks (task, succeeded_at, found) values (${task}, now(), ${json}::text::jsonb)
    on conflict (task) do update
    set succeeded_at = excluded.succeeded_at, found = excluded.found`
}

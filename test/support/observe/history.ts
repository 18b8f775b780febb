import { expect } from 'vitest'
import type { Fragment, Pool, Sql } from '../../../server/database/sql.ts'
import { until } from '../poll.ts'
import type { World } from '../world.ts'

/** What the history has, or should have, of one group, minute or hour, and pair of states. */
interface Line {
  starts: string | null
  domain: string
  queue: string
  job_type: string
  from_status: string
  to_status: string
  jobs: number
  milliseconds: number
  buckets: number[] | null
}

/** Lets a trigger for each row write down every change of a job, in the transaction that makes it. */
export async function watchRows(sql: Pool): Promise<void> {
  await sql.unsafe(`
    create table witness (at timestamptz not null default now(), was jobs, became jobs);
    create function witness() returns trigger language plpgsql as $$
    begin
      insert into witness (was, became) values (case tg_op when 'UPDATE' then old end, new);
      return null;
    end $$;
    create trigger witness after insert or update on jobs for each row execute function witness()`)
}

/** What the rows say, one by one: the rules of the page about history, written down a second time. */
const linesOfRows = (sql: Sql, starts: Fragment) => sql<Line[]>`
  with changed as (
    select
      at, (became).domain, (became).queue, (became).job_type, coalesce((was).status, '') as from_status, (became).status as to_status,
      case
        when (was).id is null then null
        when (became).status = 'processing' then array[
          case
            when (was).status = 'processing' then (was).leased_until
            when (was).acquired_at is null then coalesce((was).available_at, (was).created_at)
            else greatest((was).available_at, (was).created_at, (was).updated_at)
          end,
          case when (was).acquired_at is not distinct from (became).acquired_at then at else coalesce((became).acquired_at, at) end
        ]
        when (was).status = 'processing' then array[
          coalesce((was).acquired_at, (was).started_at),
          coalesce(
            case (became).status
              when 'completed' then (became).completed_at
              when 'failed' then (became).completed_at
              when 'cancelled' then (became).cancelled_at
              when 'quarantined' then (became).quarantined_at
            end,
            at
          )
        ]
      end as span
    from witness
    where (was).id is null
      or (was).status <> (became).status
      or ((became).status = 'processing' and ((became).lease_id <> coalesce((was).lease_id, '') or (became).acquired_at > (was).acquired_at
        or ((became).acquired_at is not null and (was).acquired_at is null)))
  ),
  timed as (
    select *, case
      when isfinite(span[1]) and isfinite(span[2]) and span[2] < span[1] + interval '36525 days'
      then round(greatest(date_part('epoch', span[2]) - date_part('epoch', span[1]), 0) * 1000)::bigint
      when span[1] = 'infinity' then 0
    end as ms
    from changed
  )
  select
    ${starts} as starts, domain, queue, job_type, from_status, to_status,
    count(*)::float8 as jobs, coalesce(sum(ms), 0)::float8 as milliseconds,
    case when count(ms) > 0 then array(
      select count(*) filter (where took > bounds[nth] and took <= bounds[nth + 1])::float8
      from (
        select '{-1,100,250,500,1000,2500,5000,10000,30000,60000,300000,900000,3600000,21600000,86400000,Infinity}'::float8[] as bounds
      ) as known
      cross join generate_series(1, 15) as nth
      cross join unnest(array_agg(ms)) as took
      group by nth
      order by nth
    ) end as buckets
  from timed
  group by 1, 2, 3, 4, 5, 6`

/** What a table of the history says. */
const linesOf = (sql: Sql, table: string, starts: Fragment) => sql<Line[]>`
  select
    ${starts} as starts, domain, queue, job_type, from_status, to_status, jobs::float8 as jobs,
    milliseconds::float8 as milliseconds, buckets::float8[] as buckets
  from ${sql(table)}`

const textsOf = (lines: readonly object[]): string[] => lines.map((line) => JSON.stringify(line)).sort()

/** Resolves when the servers have added up all that the triggers appended. Nobody may write meanwhile. */
export const untilFolded = ({ sql }: Pick<World, 'sql'>): Promise<unknown> =>
  until('the history is added up', async () => {
    const [waiting] = await sql`select from jobsctl_transitions limit 1`
    return !waiting
  })

/** Minutes, hours and totals have each change of a row exactly once. Nobody may write meanwhile. */
export async function expectExact({ sql }: Pick<World, 'sql'>): Promise<void> {
  await untilFolded({ sql })
  const never = sql`null::text`
  const minutes = await linesOf(sql, 'jobsctl_history_minutes', sql`starts`)
  expect(textsOf(minutes)).toEqual(textsOf(await linesOfRows(sql, sql`date_trunc('minute', at, 'UTC')`)))
  const hours = await linesOf(sql, 'jobsctl_history_hours', sql`starts`)
  expect(textsOf(hours)).toEqual(textsOf(await linesOfRows(sql, sql`date_trunc('hour', at, 'UTC')`)))
  const totals = await linesOf(sql, 'jobsctl_history_totals', never)
  expect(textsOf(totals)).toEqual(textsOf(await linesOfRows(sql, never)))
}

/** Resolves when the triggers append. */
export const untilKept = ({ sql }: Pick<World, 'sql'>): Promise<unknown> =>
  until('the history is kept', async () => {
    const [row] = await sql`select from jobsctl_history where until > now()`
    return row
  })

/** In one moment the minutes, and what waits to be added to them, are what the rows say, whoever writes and adds up meanwhile. */
export async function expectRightNow(sql: Pool): Promise<void> {
  const [kept, actual] = await sql.begin('isolation level repeatable read read only', async (tx) => [
    await tx<Omit<Line, 'starts' | 'buckets'>[]>`
      select
        domain, queue, job_type, from_status, to_status,
        sum(jobs)::float8 as jobs, coalesce(sum(milliseconds), 0)::float8 as milliseconds
      from (
        select domain, queue, job_type, from_status, to_status, jobs, milliseconds from jobsctl_history_minutes
        union all
        select domain, queue, job_type, from_status, to_status, jobs, milliseconds from jobsctl_transitions
      ) as both_tables
      group by 1, 2, 3, 4, 5`,
    (await linesOfRows(tx, tx`null::text`)).map(({ starts: _, buckets: __, ...line }) => line),
  ])
  expect(textsOf([...kept])).toEqual(textsOf(actual))
}

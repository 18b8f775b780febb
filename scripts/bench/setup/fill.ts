import postgres from 'postgres'

/** The rows to insert. */
export interface Filling {
  /** The number of rows. */
  rows: number
  /**
   * An SQL condition on the row number `i`: which rows are live. A quarter of the live rows is scheduled for the next
   * week.
   */
  live: string
  /** An SQL expression of the row number `i`: the age of the row in days. */
  age: string
  /** True to insert only the live rows. */
  liveOnly?: boolean
  /** The number of groups, a multiple of 30. */
  groups?: number
}

/** Rows per INSERT. */
const batchRows = 250_000

/** The number of the group of row `i`, scattered over the table. A domain has 5 queues, a queue 6 job types. */
const groupOf = (groups: number) => `(abs(hashint4(i::int)::bigint) % ${groups})`

/** Fills the tables of a server by SQL, in two concurrent sessions, and vacuums them. No row breaks an invariant. */
export async function fill(url: string, { rows, live, age, liveOnly = false, groups = 300 }: Filling): Promise<void> {
  const parts = Array.from({ length: Math.ceil(rows / batchRows) }, (_, part) => part * batchRows)
  const session = async () => {
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    for (let from = parts.shift(); from !== undefined; from = parts.shift()) {
      const [first, last] = [from + 1, Math.min(rows, from + batchRows)]
      await sql.unsafe(`
        insert into jobs (
          uuid, domain, queue, job_type, owner_user_id, payload, result, status, priority, retry_count,
          created_at, available_at, started_at, acquired_at, leased_until, lease_id, worker_id,
          completed_at, cancelled_at, quarantined_at, error_code
        )
        select
          'job-' || i, 'domain' || g / 30, 'queue' || g / 6 % 5, 'type' || g % 6, (i % 97)::text,
          jsonb_build_object('number', i, 'text', md5(i::text)),
          case when status = 'completed' then jsonb_build_object('ok', true) end,
          status, 1 + i % 10, 0, began,
          case when kind = 0 then now() + random() * interval '7 days' end,
          case when status <> 'queued' then began end,
          case when status <> 'queued' then began end,
          case when status = 'processing' then now() + interval '1 day' end,
          case when status in ('processing', 'completed', 'failed') then 'lease-' || i end,
          case when status in ('processing', 'completed', 'failed') then 'worker-' || i % 9 end,
          case when status in ('completed', 'failed') then began + interval '1 second' end,
          case when status = 'cancelled' then began + interval '1 second' end,
          case when status = 'quarantined' then began + interval '1 second' end,
          case when status in ('failed', 'quarantined') then 'timeout' end
        from (
          select i, g, kind, began, case kind
            when 0 then 'queued' when 1 then 'queued' when 2 then 'processing' when 3 then 'quarantined'
            else (array['completed', 'completed', 'completed', 'failed', 'cancelled'])[1 + i % 5]
          end as status
          from (
            select i, ${groupOf(groups)} as g, now() - (${age}) * interval '1 day' as began,
              case when ${live} then abs(hashint4((i * 7)::int)::bigint) % 4 end as kind
            from generate_series(${first}::bigint, ${last}::bigint) as i
            where ${liveOnly ? live : 'true'}
          ) as placed
        ) as made`)
    }
    await sql.end()
  }
  await Promise.all([session(), session()])
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql`vacuum (analyze)`
  await sql`checkpoint`
  await sql.end()
}

import type { Sql } from '../../database/sql.ts'

/** How far the event log speaks for the records: events whose term is over are deleted. */
export interface ChainWitnesses {
  /** The number of sealed records whose event is gone, so that only the chain speaks for them. */
  without_event: number
  /** The end of the first record from which on every record has its event; null where none has. */
  events_since: string | null
}

/** Reads for which records the event of their seal is there. Failed records and those of version 0.1.0 never had one. */
export async function readChainWitnesses(sql: Sql): Promise<ChainWitnesses> {
  const [row] = await sql<[ChainWitnesses]>`
    with witnessed as materialized (
      select distinct attrs_json ->> 'operation' as operation from job_events where event_type = 'operation.sealed'
    ),
    sealed as materialized (
      select
        ended_at, operation is null as lacks,
        row_number() over (order by day, number) as nth
      from job_operations
      join jobsctl_seals on jobsctl_seals.operation_id = job_operations.id
      left join witnessed on operation = job_operations.id::text
      where ended_as <> 'failed' and state <> 'running'
    )
    select
      (select count(*)::int from sealed where lacks) as without_event,
      (
        select ended_at
        from sealed
        where nth > coalesce((select max(nth) from sealed where lacks), 0)
        order by nth
        limit 1
      ) as events_since`
  return row
}

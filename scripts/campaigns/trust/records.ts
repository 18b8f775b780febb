import { verifyOperations } from '../../../shared/endpoints.ts'
import { call, type Outcome } from './calls.ts'
import { patiently, type Stage } from './stage.ts'

/** An operation, and what there is of it beside its record. */
interface Found {
  id: number
  kind: string
  state: string
  request: string
  affected: number
  batches: number
  /** Rows in the archive and images that belong to it. */
  archived: number
  kept: number
  /** Events of its jobs, and of itself, and what the latter say. */
  steps: number
  dropped: number
  told: number
  said: number
}

/** After so long the record of a change whose server is gone must have ended, in seconds. */
const patience = 25

/** Waits until no operation runs any more. */
export async function untilEnded({ sql, wrong }: Pick<Stage, 'sql' | 'wrong'>): Promise<void> {
  for (const began = Date.now(); ; ) {
    const running = await patiently(
      () => sql<{ id: number }[]>`select id::int from job_operations where state = 'running'`,
    )
    if (running.length === 0) return
    const seconds = (Date.now() - began) / 1000
    if (seconds > patience) return wrong(`operation ${running[0]?.id} still runs after ${patience} s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** The operations after `since`, before anything of them is taken back. */
export const operationsSince = ({ sql }: Pick<Stage, 'sql'>, since: number): Promise<Found[]> =>
  patiently(
    () => sql<Found[]>`
      select
        id::int, kind, state, request_id as request, affected::int, batches,
        (select count(*)::int from jobs_archive where operation_id = o.id) as archived,
        (select count(*)::int from job_operation_rows where operation_id = o.id) as kept,
        (select count(*)::int from job_events e where e.request_id = o.request_id and job_id is not null) as steps,
        (
          select count(*)::int from job_operation_rows r
          where operation_id = o.id and r.after ->> 'cancellation_reason' like 'dependency%'
        ) as dropped,
        (select count(*)::int from job_events e where e.job_id is null and e.attrs_json ->> 'operation' = o.id::text) as told,
        (
          select coalesce(sum((attrs_json ->> 'affected')::int), 0)::int
          from job_events e where e.job_id is null and e.attrs_json ->> 'operation' = o.id::text
        ) as said
      from job_operations o
      where id > ${since}
      order by id`,
  )

/** Whether each record, the rows that it speaks of, and the events say the same. */
export function judgeRecords({ wrong }: Pick<Stage, 'wrong'>, found: readonly Found[]): void {
  for (const { id, kind, state, affected, batches, archived, kept, steps, dropped, told, said } of found) {
    const is = (what: string, number: number, expected: number) => {
      if (number !== expected) wrong(`operation ${id} (${kind}, ${state}): ${number} ${what}, not ${expected}`)
    }
    if (affected > 0 ? !['done', 'partial'].includes(state) : !['done', 'failed'].includes(state)) {
      wrong(`operation ${id} (${kind}) with ${affected} jobs is ${state}`)
    }
    if (affected > 0 !== batches > 0) wrong(`operation ${id}: ${affected} jobs in ${batches} batches`)
    is('archived jobs', archived, kind === 'prune' ? affected : 0)
    is('kept images', kept, kind === 'requeue' || kind === 'sweep' ? affected + dropped : 0)
    if (kind !== 'undo' && kind !== 'prune') is('events of jobs', steps, affected + dropped)
    is('events of its own', told, batches)
    is('jobs in its events', said, affected)
  }
}

/** Whether what callers were told is so: done means done, and "nothing was changed" means that. */
export function judgeAnswers(
  { wrong }: Pick<Stage, 'wrong'>,
  outcomes: readonly Outcome<unknown>[],
  found: readonly Found[],
): void {
  for (const { request, body, code, detail = '' } of outcomes) {
    const record = found.find((record) => record.request === request)
    const affected = record?.affected ?? 0
    const where = `${request} (operation ${record?.id}, ${record?.state} with ${affected})`
    const { deleted, affected: told = deleted } = Object(body)
    if (body !== undefined && told !== affected) wrong(`${where} was answered with ${told}`)
    if (body !== undefined && record && !['done', 'undone'].includes(record.state))
      wrong(`${where} was answered as done`)
    if (affected > 0 && /nothing was changed|not at all/.test(detail)) wrong(`${where} was told: ${code}, ${detail}`)
    const count = code === 'partial' ? Number(/ ([\d,]+) jobs? w/.exec(detail)?.[1]?.replaceAll(',', '')) : affected
    if (count !== affected) wrong(`${where} was told: ${detail}`)
    if (code === 'internal' || code === 'none') wrong(`${where} was told: ${code}, ${detail}`)
  }
}

/** Whether every seal holds. */
export async function judgeChain({
  servers,
  wrong,
}: Pick<Stage, 'wrong'> & { servers: readonly [{ url: string }, ...unknown[]] }): Promise<void> {
  const { body, detail } = await call(servers[0].url, verifyOperations, {})
  if (!body?.ok) wrong(`the records are not as they were sealed: ${detail ?? JSON.stringify(body?.days)}`)
}

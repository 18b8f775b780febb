import { Failure } from '../../../shared/errors.ts'
import type { OperationRecord } from '../../../shared/records/records.ts'
import { readChainWitnesses } from '../../bulk/chain/chain-witnesses.ts'
import { readChainHead, verifyChain } from '../../bulk/chain/verify-chain.ts'
import type { Acting, Reading, ServerContext } from '../../call.ts'
import { inScope, isWithin } from '../../database/scope.ts'
import { countsWithin, isRecordWithin } from '../../database/scope-of-record.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { hasArchive } from '../../undo/archive/archive.ts'
import { clientOfOperation } from '../../undo/engine/place-of-operation.ts'
import { whyNoWayBack } from '../../undo/no-way-back.ts'
import { isJobOfImage } from '../../undo/restore-columns.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { hiddenFilters } from '../hidden.ts'

/**
 * A query of the records of `which`, the newest first. An undo of a part names its operation in its filters alone, so that
 * `undoes` and `undone_by` are read from there, too.
 * @param which `from job_operations …`, which chooses the records
 */
const recordsOf = (sql: Sql, { filters, counts }: Shown, which: Fragment): Fragment => sql`
  with page as materialized (select * ${which}),
  undos as materialized (
    select filters ->> 'operation' as operation, jsonb_agg(id order by id) as ids, max(id) as last
    from job_operations
    where id > (select min(id) from page) and kind = 'undo' and state <> 'running' and affected > 0
    group by 1
  )
  select
    id, kind, state, domain, queue, job_type, ${filters} as filters, as_of, caller, reason, request_id, idempotency_key, previewed, affected,
    case when state <> 'running' then previewed - affected end as skipped, ${unchanged(sql)},
    skipped_locked, batches, ${counts} as counts, error, started_at, ended_at, ${undone(sql)} as undoes,
    coalesce(undone_by, undos.last) as undone_by, coalesce(undos.ids, '[]') as undos, hash, ${runningOn(sql)} as server
  from page
  left join undos on undos.operation = page.id::text
  order by id desc`

/**
 * Why jobs of the preview are unchanged, in the columns of a record. One that stopped has an error, also once it is undone. A change with
 * a limit takes other jobs in place of those that it passes over: less than its limit means that none is left for later.
 */
const unchanged = staticFragment(
  (sql) => sql`
  case when state <> 'running' then
    case when error is not null then greatest(previewed - affected, 0) else 0 end
  end as not_reached,
  case when state <> 'running' then
    case when error is null and affected >= ${recordedLimit(sql)} then greatest(previewed - affected, 0) else 0 end
  end as left_for_later,
  case when state <> 'running' and error is null then
    case when affected >= ${recordedLimit(sql)} then 0 else greatest(previewed - affected, 0) end
  end as skipped_by_others,
  ${answered(sql, 'missing_count')} as missing_count, ${answered(sql, 'not_taken_count')} as not_taken_count`,
)

/** The limit of a change of some jobs; null without one. Another program may have written anything into the record. */
const recordedLimit = (sql: Sql): Fragment => sql`
  case when filters ->> 'limit' ~ '^[1-9][0-9]{0,3}$' then (filters ->> 'limit')::bigint end`

/** A count of the answer, where it has it. */
const answered = (sql: Sql, name: string): Fragment => sql`
  case when answer ->> ${sql.unsafe(`'${name}'`)} ~ '^[0-9]{1,15}$' then (answer ->> ${sql.unsafe(`'${name}'`)})::bigint end`

/** The columns of a record of which a caller may see a part. */
interface Shown {
  filters: Fragment
  counts: Fragment
}

const shownTo = (sql: Sql, caller: Pick<Acting, 'may' | 'within'>): Shown => ({
  filters: filtersFor(sql, caller),
  counts: countsWithin(sql, numbersOf(sql), caller.within),
})

/** The counts of a record, of which another program may have written anything: the numbers among them. */
const numbersOf = staticFragment(
  (sql) => sql`(
    select coalesce(jsonb_object_agg(name, value), '{}')
    from jsonb_each(case jsonb_typeof(counts) when 'object' then counts else '{}' end) as each (name, value)
    where jsonb_typeof(value) = 'number'
  )`,
)

/** The server that runs a change without its caller; null for every other change, and while no server runs it. */
const runningOn = staticFragment(
  (sql) => sql`(
    select server from jobsctl_detached where operation_id = page.id and page.state = 'running'
  )`,
)

/**
 * The filters of a record as a caller may see them. They have what was looked for in payloads and errors, the addresses of callers and, in
 * the record of an act, the names of tokens.
 */
const filtersFor = (sql: Sql, caller: Pick<Acting, 'may' | 'within'>): Fragment => {
  // The scope under which a change ran may name other domains than the change.
  const hidden = [...hiddenFilters(caller), ...(caller.within ? ['within'] : [])]
  if (hidden.length === 0) return sql`filters`
  // Another program may have written a record: what is no object has no names of fields, and may hold anything.
  return sql`case jsonb_typeof(filters) when 'object' then filters - ${`{${hidden.join(',')}}`}::text[] else '{}' end`
}

/** The operation that an undo of all its jobs, or of a part, has undone. */
const undone = staticFragment(
  (sql) => sql`
  case
    when undoes is null and kind = 'undo' and filters ->> 'operation' ~ '^[1-9][0-9]{0,14}$'
      then (filters ->> 'operation')::bigint
    else undoes
  end`,
)

/** The records of bulk changes and acts, the newest first. */
export const listOperations = async (
  { sql, may, within }: Reading & Pick<Acting, 'may'>,
  request: InputOf<'listOperations'>,
): Promise<OperationRecord[]> => {
  const rows = await sql<Row[]>`${recordsOf(
    sql,
    shownTo(sql, { may, within }),
    sql`
    from job_operations
    where id < ${request.before_id}::bigint
      ${request.kind ? ofKind(sql, request.kind) : sql``}
      ${request.state ? sql`and state = ${request.state}` : sql``}
      ${request.caller ? sql`and caller = ${request.caller}::text` : sql``}
      ${request.since ? sql`and started_at >= ${request.since}::text::timestamptz` : sql``}
      ${inScope(sql, request)}
      ${isRecordWithin(sql, within)}
    order by id desc
    limit ${request.limit}`,
  )}`
  return rows.map(withNoWayBack)
}

/** Kinds of acts have a dot. */
const ofKind = (sql: Sql, kind: NonNullable<InputOf<'listOperations'>['kind']>): Fragment => {
  if (kind === 'acts') return sql`and position('.' in kind) > 0`
  return kind === 'changes' ? sql`and position('.' in kind) = 0` : sql`and kind = ${kind}`
}

/** A record as the database has it. */
type Row = Omit<OperationRecord, 'no_way_back'>

const withNoWayBack = (row: Row): OperationRecord => {
  const { hash, ...record } = row
  return { ...record, no_way_back: whyNoWayBack(row), hash }
}

/**
 * One record, and the present states of its jobs. A caller with a scope gets those of jobs within; a job that is gone lies nowhere.
 * @throws Failure `not_found`
 */
export async function getOperation(
  { sql, may, within }: Reading & Pick<Acting, 'may'>,
  { id }: InputOf<'getOperation'>,
): Promise<OutputOf<'getOperation'>> {
  const record = await recordOf({ sql, within }, id, shownTo(sql, { may, within }))
  const of = await clientOfOperation(sql, id)
  const archived = of`
    union all
    select 'archived', count(*) from jobs_archive where operation_id = ${id}::bigint ${isWithin(of, within)} having count(*) > 0`
  const { mode, places } = servedBy(of)
  // The jobs of a place that is not served are not there.
  const isJob = mode !== 'own' && places.length > 1 ? of`false` : isJobOfImage(of)
  const [{ now }] = await of<[{ now: Record<string, number> }]>`
    select coalesce(jsonb_object_agg(status, count), '{}') as now
    from (
      select coalesce(job.status, 'gone') as status, count(*) as count
      from job_operation_rows kept
      left join lateral (select status from jobs where ${isJob} ${isWithin(of, within)} offset 0) as job on true
      where operation_id = ${id}::bigint ${within ? of`and job.status is not null` : of``}
      group by 1
      ${(await hasArchive(of)) ? archived : of``}
    ) as states`
  return { ...record, now }
}

/** @throws Failure `not_found`, also for an operation that may have reached jobs outside of the scope of the caller */
export async function recordOf(
  { sql, within }: { sql: Sql; within: Acting['within'] },
  id: number,
  shown: Shown = { filters: sql`filters`, counts: numbersOf(sql) },
): Promise<OperationRecord> {
  const which = sql`from job_operations where id = ${id}::bigint ${isRecordWithin(sql, within)}`
  const [record] = await sql<Row[]>`${recordsOf(sql, shown, which)}`
  if (record) return withNoWayBack(record)
  throw new Failure('not_found', `there is no operation ${id}`, { hint: 'jobsctl operations lists them' })
}

const notSealed = [
  'The rows of the archive and the row images are not sealed: who may write to jobs_archive or job_operation_rows can change what an undo gives back.',
]

/** Checks the hash chain of the records, and looks for a hash that the caller kept. */
export async function verifyOperations(
  { sql }: Pick<ServerContext, 'sql'>,
  { expect }: Pick<InputOf<'verifyOperations'>, 'expect'>,
): Promise<OutputOf<'verifyOperations'>> {
  const days = await verifyChain(sql)
  const { head, expected } = await readChainHead(sql, expect)
  const isIntact = days.every(({ broken, missing }) => broken.length === 0 && missing === 0)
  return {
    ok: isIntact && expected !== false,
    operations: days.reduce((sum, { operations }) => sum + operations, 0),
    days: [...days],
    head,
    ...(await readChainWitnesses(sql)),
    not_sealed: notSealed,
    ...(expected !== null && { expected }),
  }
}

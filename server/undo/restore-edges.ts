import type { TokenScope } from '../../shared/access/token-scope.ts'
import { holdLock } from '../database/locks/hold-lock.ts'
import { isElsewhere, type Narrowed } from '../database/scope.ts'
import { type Fragment, type Sql, staticFragment, type Transaction } from '../database/sql.ts'
import { hasSnapshots } from './lock-before-deletion.ts'
import { isUnchangedSinceChange } from './restore-columns.ts'

/**
 * Restores edges in a statement whose CTE `restored_rows` has the archived rows of the jobs that come back. Where edges
 * have foreign keys, an edge with a missing end would fail the whole batch; where they have snapshots of deleted jobs, one to a
 * missing job without a snapshot would block its job for ever. Such an edge waits in `jobsctl_waiting_edges` until its
 * other end is restored. In all other databases an edge comes back with the first of its ends.
 */
export interface EdgeRestore {
  /** Defines the CTE `edges` (rows of `job_dependencies`) and, where edges wait, `released_edges`, `needed` and `held_edges`. */
  edges: Fragment
  /** A `where` clause on the alias `edge`, which leaves out the edges that have to wait. */
  where: Fragment
}

/** Reads what becomes of edges with a missing end, and takes the lock that orders concurrent restores where they wait. */
export async function prepareEdgeRestore(
  tx: Transaction,
  { within, undoes }: Pick<Narrowed, 'within'> & { undoes: number },
): Promise<EdgeRestore> {
  const [{ foreign_keys, snapshots }] = await tx<[{ foreign_keys: boolean; snapshots: boolean }]>`
    select
      exists (select from pg_constraint where conrelid = to_regclass('job_dependencies') and contype = 'f') as foreign_keys,
      ${hasSnapshots(tx)} as snapshots`
  const kept = isKeptFrom(tx, within, undoes)
  if (!foreign_keys && !snapshots) return { edges: edges(tx, kept, tx``), where: tx`` }
  // Two transactions that restore the two ends of an edge at the same time would not see each other.
  await holdLock(tx, 'edges')
  const lacks = foreign_keys ? lacksAnEnd(tx) : lacksWhatItNeeds(tx)
  return {
    edges: tx`
      ${releasedEdges(tx)},
      ${edges(tx, kept, tx`union all select edge, null from released_edges`)},
      ${neededJobs(tx)},
      ${heldEdges(tx, lacks)}`,
    where: tx`where not exists (select ${lacks})`,
  }
}

/**
 * Defines the CTE `edges`. Needs `restored_rows`, and the CTEs that `more` selects from. Rows of the archive are not sealed, and a program
 * that may write there could have an undo do what the program may not do itself. So an edge comes back only with one of its own ends.
 * @param kept `and …` on the alias `edge`: leaves out edges that do not come back to this caller
 */
const edges = (sql: Sql, kept: Fragment, more: Fragment): Fragment => sql`
  edges as materialized (
    select distinct on (edge.job_uuid, edge.depends_on_job_uuid) edge.*
    from (
      select jsonb_array_elements(job_dependencies) as edge, uuid::text as of_job from restored_rows
      ${more}
    ) as kept
    cross join lateral jsonb_populate_record(null::job_dependencies, kept.edge) as edge
    where (kept.of_job is null or kept.of_job in (edge.job_uuid::text, edge.depends_on_job_uuid::text))
      ${kept}
  )`

/**
 * `and …` on the alias `edge`. To a caller with a scope no edge comes back for which a job outside would have to wait. Where the scope has
 * `cascade`, the edges of the jobs that the prune `undoes` has cancelled along come back with them.
 */
function isKeptFrom(sql: Sql, within: TokenScope | undefined, undoes: number): Fragment {
  if (!within) return sql``
  const isAlong = sql`
    exists (
      select from job_operation_rows kept
      where kept.operation_id = ${undoes}::bigint and kept.job_ref = jobs.id and ${isUnchangedSinceChange(sql)}
      offset 0
    )`
  return sql`
    and not exists (
      select from jobs
      where jobs.uuid = edge.job_uuid and ${isElsewhere(sql, within)} ${within.cascade ? sql`and not ${isAlong}` : sql``}
      offset 0
    )`
}

/** Defines the CTE `released_edges`: edges that waited for a job of `restored_rows`, of whatever operation. */
const releasedEdges = staticFragment(
  (sql) => sql`
  released_edges as (
    delete from jobsctl_waiting_edges where uuid = any(array(select uuid::text from restored_rows)) returning edge
  )`,
)

/** Defines the CTE `needed (uuid)`: jobs that edges need, which nobody deletes before the edges are there for those who delete them. */
const neededJobs = staticFragment(
  (sql) => sql`
  needed as materialized (
    select uuid from jobs as live
    where live.uuid = any(array(select depends_on_job_uuid from edges))
    order by id
    for key share
  )`,
)

/** Defines the CTE `held_edges`, which stores the edges of `edges` that have to wait. */
const heldEdges = (sql: Sql, lacks: Fragment): Fragment => sql`
  held_edges as (
    insert into jobsctl_waiting_edges (uuid, edge)
    select missing.uuid::text, to_jsonb(edge)
    from edges as edge
    cross join lateral (select ${lacks}) as missing
    on conflict do nothing
  )`

/** What follows a `select` on the alias `edge`: `uuid`, a row for each end that is missing. */
const lacksAnEnd = staticFragment(
  (sql) => sql`
  ends.uuid from (values (edge.job_uuid), (edge.depends_on_job_uuid)) as ends (uuid) where not ${exists(sql, sql`ends.uuid`)}`,
)

/** The same for the job that the edge needs, where the edge has no snapshot of it. */
const lacksWhatItNeeds = staticFragment(
  (sql) => sql`
  edge.depends_on_job_uuid as uuid
  where edge.depends_on_terminal_status is null
    and edge.depends_on_job_uuid not in (select uuid from restored_rows where uuid is not null)
    and edge.depends_on_job_uuid not in (select uuid from needed)`,
)

/** True where a job with this uuid exists, or is in `restored_rows`. */
const exists = (sql: Sql, uuid: Fragment): Fragment => sql`(
  ${uuid} in (select uuid from restored_rows) or exists (select from jobs live where live.uuid = ${uuid} offset 0)
)`

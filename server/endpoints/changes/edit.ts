import { type EditRequest as Asked, type EditedJobs, edit as endpoint } from '../../../shared/changes/edit.ts'
import {
  type BatchContext,
  type BatchCounts,
  type BulkChange,
  type JobSet,
  sumOfCounts,
} from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { currentSet, withHolds } from '../../bulk/change/with-holds.ts'
import { hasKeys } from '../../database/job-ids.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { countRevivable } from '../../lifecycle/dependents/revive.ts'
import { changeColumns } from '../../undo/change-columns.ts'
import { affecting, type Describe } from './affecting.ts'
import { requireAllowed } from './edit/allowed.ts'
import { readAside } from './edit/aside.ts'
import { dueOf, engineEdit, payloadTextOf } from './edit/engine-edit.ts'
import { type EditPlan, pathTexts, planOf, recordedEdit } from './edit/plan.ts'
import { differs, editedPayload, fieldValue, isAsAsked, overPayload, whyNot } from './edit/set.ts'
import { isSelected, jobsWhere, partsOf, withoutIds } from './filtered.ts'
import { withDependents } from './list-changed.ts'
import { judged } from './refused.ts'
import { runAgain } from './run-again.ts'

type EditRequest = Within<Asked>

interface Editing {
  request: EditRequest
  plan: EditPlan
  maxBytes: number
}

const waits = (sql: Sql): Fragment => sql`status = 'queued'`
const hasFailed = (sql: Sql): Fragment => sql`status in ('failed', 'quarantined')`

/** True for jobs in a state that the edit takes. */
const isTaken = (sql: Sql, { next }: EditRequest): Fragment =>
  next === 'retry' ? sql`status in ('queued', 'failed', 'quarantined')` : waits(sql)

/** True for jobs that the edit is to change, also those that it cannot. */
const asked = (sql: Sql, set: JobSet, { request, plan }: Editing, state: Fragment): Fragment => sql`
  ${state} and ${isSelected(sql, set, request)}
  and ${overPayload(sql, plan, (document) => isAskedOf(sql, plan, document))}`

/** A condition over the payload and its job: it is as asked, and would be another one. */
const isAskedOf = (sql: Sql, plan: EditPlan, document: Fragment): Fragment =>
  sql`(${isAsAsked(sql, plan, document)} and ${differs(sql, plan, document)})`

/** True for jobs that change; the preview and the change share this condition. */
const editable = (sql: Sql, set: JobSet, editing: Editing, state: Fragment): Fragment => sql`
  ${state} and ${isSelected(sql, set, editing.request)} and ${overPayload(
    sql,
    editing.plan,
    (document) => sql`(
      ${isAskedOf(sql, editing.plan, document)} and (${whyNot(sql, editing.plan, editing, document)}) is null
    )`,
  )}`

/** Changes values of jobs, and leaves everything else of them as it is. */
export const describe: Describe<Asked, EditedJobs> = async (request, terms) => {
  requireAllowed(request, terms)
  const asked = planOf(request)
  const plan = { ...asked, payloadText: await payloadTextOf(terms.sql, asked, request) }
  const bulk = bulkOf({ request, plan, maxBytes: terms.maxJsonBytes })
  const described = await affecting(() => bulk)(request, terms)
  const { dryRun } = described
  if (!dryRun) return described
  return {
    ...described,
    dryRun: async (makePreview) => {
      const answer = await dryRun(makePreview)
      const looking = {
        plan,
        selected: (sql: Sql) => jobsWhere(sql, request, (rest) => isSelected(sql, currentSet, rest)),
        matching: bulk.matching,
        isTaken: (sql: Sql) => isTaken(sql, request),
        set: await withHolds(terms.sql, bulk),
      }
      return { ...answer, ...(await readAside(terms, looking)) }
    },
  }
}

function bulkOf(editing: Editing): BulkChange<EditedJobs> {
  const { request, plan } = editing
  const over = (rest: EditRequest): Editing => ({ ...editing, request: rest })
  const parts = partsOf(request)
  return {
    ...parts,
    kind: 'edit',
    request: { ...parts.request, ...recordedEdit(request) },
    matching: (sql, set) => jobsWhere(sql, request, (rest) => editable(sql, set, over(rest), isTaken(sql, rest))),
    // Another job may have the idempotency key of a job in its new type; whatever else the database rejects stops the change.
    ...(plan.fields.some(({ field }) => field === 'job_type') && { rejected: new Map() }),
    refused: (sql) =>
      judged(
        sql,
        overPayload(sql, plan, (document) => whyNot(sql, plan, editing, document)),
        jobsWhere(sql, request, (rest) => asked(sql, currentSet, over(rest), isTaken(sql, rest))),
      ),
    time: (sql) => sql`created_at`,
    ...(request.next && {
      dependents: (sql, set, only) =>
        hasKeys(sql) ? sql`select 0::bigint` : countRevivable(sql, editable(sql, set, editing, hasFailed(sql)), only),
    }),
    batchStatements: request.next ? 2 : 1,
    batch: (tx, context, selection) => editBatch(tx, context, selection, over(withoutIds(request, selection))),
    ownAnswer: (done) => withDependents(done, request.limit, { kind: 'edit', filters: parts.filters }),
    output: endpoint.output,
  }
}

async function editBatch(tx: Sql, context: BatchContext, selection: Selection, editing: Editing): Promise<BatchCounts> {
  const { request, plan } = editing
  const attrs = tx`jsonb_build_object('caller', ${context.caller}::text, 'paths', ${JSON.stringify(pathTexts(request))}::text::jsonb)`
  const due = dueOf(tx, plan)
  const change = { selection, event: 'job.edited', attrs, engineAttrs: attrs, ...(due && { due }) }
  const assigned = assignments(tx, plan)
  const waiting = await changeColumns(tx, context, {
    ...change,
    where: editable(tx, context, editing, waits(tx)),
    assignments: assigned,
    further: furtherOf(plan),
    engine: engineEdit(tx, plan),
  })
  if (!request.next) return waiting
  const failed = await changeColumns(tx, context, {
    ...change,
    where: editable(tx, context, editing, hasFailed(tx)),
    assignments: tx`${assigned}, ${runAgain(tx, request)},
      error_message = null, error_code = null, error_class = null, error_stack = null, last_error = null`,
    further: [...furtherOf(plan), 'error_code', 'error_class', 'error_stack', 'last_error'],
    withDependents: true,
    engine: engineEdit(tx, plan, request),
  })
  return sumOfCounts(waiting, failed)
}

const changesPayload = ({ sets, unsets }: EditPlan): boolean => sets.length + unsets.length > 0

/** The columns that the edit overwrites, which are kept for an undo. */
const furtherOf = (plan: EditPlan) => [
  ...plan.fields.flatMap(({ field }) => (field === 'available_at' ? [] : [field])),
  ...(changesPayload(plan) ? (['payload'] as const) : []),
]

function assignments(sql: Sql, plan: EditPlan): Fragment {
  const all = [
    ...plan.fields.map((one) => sql`${sql.unsafe(one.field)} = ${fieldValue(sql, one)}`),
    ...(changesPayload(plan)
      ? [sql`payload = ${editedPayload(sql, plan)}${sql.unsafe(plan.payloadText === undefined ? '' : '::json')}`]
      : []),
  ]
  return all.reduce((some, one) => sql`${some}, ${one}`)
}

import type { EditRequest } from '../../../../shared/changes/edit.ts'
import { Failure } from '../../../../shared/errors.ts'
import type { Fragment, Sql } from '../../../database/sql.ts'
import type { EngineEdit, JsonText } from '../../../engines/writes.ts'
import { engineTarget } from '../../../undo/engine/target.ts'
import type { EditPlan } from './plan.ts'
import { editedPayload } from './set.ts'

/** What an edit does to jobs of another engine, which may run again, too. */
export function engineEdit(
  sql: Sql,
  plan: EditPlan,
  again?: Pick<EditRequest, 'spread_seconds'>,
): EngineEdit & { act: 'edit' } {
  return {
    act: 'edit',
    fields: plan.fields,
    payload:
      plan.sets.length + plan.unsets.length > 0
        ? (document: Fragment) => editedPayload(sql, plan, document)
        : undefined,
    readsPayload: plan.parts.length > 0,
    retry: again && { spread_seconds: again.spread_seconds },
  }
}

/** An SQL expression: the time from which the edited jobs can run; undefined where the edit sets none. */
export function dueOf(sql: Sql, { fields }: EditPlan): Fragment | undefined {
  const due = fields.find(({ field }) => field === 'available_at')
  return due && sql`${due.text}::text::timestamptz`
}

/** Whether an edit has to do with the payload. */
const readsPayload = ({ sets, unsets, parts }: EditPlan): boolean => sets.length + unsets.length + parts.length > 0

/**
 * The payload over `jobs` where the column keeps JSON as a text, as the type json does. Undefined for jsonb, and for an edit that has nothing to do
 * with the payload.
 * @throws Failure `not_supported` for what the engine does not let an edit change
 */
export async function payloadTextOf(
  sql: Sql,
  plan: EditPlan,
  { next, spread_seconds }: EditRequest,
): Promise<JsonText | undefined> {
  const target = engineTarget(sql)
  if (!target)
    return readsPayload(plan) && (await hasJsonPayload(sql))
      ? { text: '(jobs.payload)::text', isJson: true }
      : undefined
  const { edits } = target.writes
  const why = edits?.whyNot(engineEdit(sql, plan, next && { spread_seconds }))
  if (why) throw new Failure('not_supported', `${why.cannot}; nothing was changed`, { hint: why.instead })
  return readsPayload(plan) ? edits?.payloadText : undefined
}

/** Other programs have made `jobs` with a payload of the type json. */
async function hasJsonPayload(sql: Sql): Promise<boolean> {
  const rows = await sql`
    select from pg_attribute
    where attrelid = to_regclass('jobs') and attname = 'payload' and not attisdropped and atttypid = 'json'::regtype`
  return rows.length > 0
}

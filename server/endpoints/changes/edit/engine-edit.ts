import type { EditRequest } from '../../../../shared/changes/edit.ts'
import { Failure } from '../../../../shared/errors.ts'
import type { Fragment, Sql } from '../../../database/sql.ts'
import type { EngineEdit } from '../../../engines/writes.ts'
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

/**
 * Refuses what the engine, or the column of the payload, does not let an edit change.
 * @throws Failure `not_supported`
 */
export async function requireEditable(sql: Sql, plan: EditPlan, { next, spread_seconds }: EditRequest): Promise<void> {
  const target = engineTarget(sql)
  const why = target
    ? target.writes.edits?.whyNot(engineEdit(sql, plan, next && { spread_seconds }))
    : await whyNoPayload(sql, plan)
  if (why) throw new Failure('not_supported', `${why.cannot}; nothing was changed`, { hint: why.instead })
}

/** Other programs have made `jobs` with a payload of the type json, which keeps its text: to set a part would write all of it in another form. */
async function whyNoPayload(sql: Sql, { sets, unsets, parts }: EditPlan) {
  if (sets.length + unsets.length + parts.length === 0) return undefined
  const [column] = await sql<[{ type: string }?]>`
    select format_type(atttypid, atttypmod) as type
    from pg_attribute
    where attrelid = to_regclass('jobs') and attname = 'payload' and not attisdropped and atttypid <> 'jsonb'::regtype`
  return (
    column && {
      cannot: `the payload is a column of type ${column.type}, all of which an edit would write in another form`,
      instead: 'alter table jobs alter column payload type jsonb, or an update in SQL',
    }
  )
}

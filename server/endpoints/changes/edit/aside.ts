import type { Difference, LeftOut } from '../../../../shared/changes/edit.ts'
import type { JobId } from '../../../../shared/work/job-key.ts'
import type { SetWithHolds } from '../../../bulk/change/bulk-change.ts'
import type { Terms } from '../../../bulk/change/commission.ts'
import { readJson } from '../../../database/lossless-json.ts'
import type { Redactor } from '../../../database/redact.ts'
import type { Fragment, Sql } from '../../../database/sql.ts'
import { limitReadTime, unlessOverdue } from '../../../database/timeouts.ts'
import { type EditPlan, pathText } from './plan.ts'
import { differs, hasOtherType, isAsAsked, lacksPath, overPayload } from './set.ts'

const mostExamples = 3

interface Aside {
  left_out?: LeftOut
  examples?: { job_id: JobId; differences: Difference[] }[]
}

interface Looking {
  plan: EditPlan
  /** `from jobs where …`: what the filter matches, in whatever state. */
  selected: (sql: Sql) => Fragment
  /** `from jobs where …`: the jobs that would change. */
  matching: (sql: Sql, set: SetWithHolds) => Fragment
  /** A condition on the state of `jobs`: the edit takes jobs that are so. */
  isTaken: (sql: Sql) => Fragment
  set: SetWithHolds
}

/** What a preview says beside its count. A search that takes longer than 5 s ends without an answer. */
export const readAside = async ({ sql, redactor }: Pick<Terms, 'sql' | 'redactor'>, looking: Looking): Promise<Aside> =>
  (await sql
    .begin(async (tx) => {
      await tx`select ${limitReadTime(tx)}`
      return { examples: await readExamples(tx, redactor, looking), left_out: await readLeftOut(tx, looking) }
    })
    .catch(unlessOverdue)) ?? {}

async function readLeftOut(sql: Sql, { plan, selected, matching, isTaken, set }: Looking): Promise<LeftOut> {
  const over = (make: (document: Fragment) => Fragment) => overPayload(sql, plan, make)
  const [row] = await sql<[LeftOut]>`
    select * from (
      select
        count(*) filter (where taken and as_asked and not differs) as already_so,
        count(*) filter (where taken and not as_asked) as not_as_asked,
        count(*) filter (where status = 'processing') as running,
        count(*) filter (where status in ('failed', 'quarantined') and not taken) as failed,
        count(*) filter (where status in ('completed', 'cancelled')) as ended
      from (
        select status, taken, taken and ${over((document) => sql`(${isAsAsked(sql, plan, document)})`)} as as_asked,
          taken and ${over((document) => differs(sql, plan, document))} as differs
        from (select *, ${isTaken(sql)} as taken ${selected(sql)} offset 0) as jobs
      ) as judged
    ) as left_out
    cross join (
      select
        count(*) filter (where ${over((document) => lacksPath(sql, plan, document))}) as lack_path,
        count(*) filter (where ${over((document) => hasOtherType(sql, plan, document))}) as other_type
      ${matching(sql, set)}
    ) as changed`
  return row
}

async function readExamples(sql: Sql, redactor: Redactor, { plan, matching, set }: Looking) {
  const paths = [...plan.sets.map(({ path }) => path), ...plan.unsets]
  const fields = plan.fields.map(({ field }) => sql`to_jsonb(${sql.unsafe(`jobs.${field}`)})`)
  const values = overPayload(sql, plan, (document) => {
    const parts = paths.map((path) => sql`${document} #> ${[...path]}::text[]`)
    return sql`array[${[...parts, ...fields].reduce((all, one) => sql`${all}, ${one}`)}]`
  })
  const rows = await sql<{ job_id: JobId; values: (string | null)[] }[]>`
    select id as job_id, (select jsonb_agg(value::text order by nth) from unnest(${values}) with ordinality as v (value, nth)) as values
    ${matching(sql, set)}
    order by id
    limit ${mostExamples}`
  return rows.map(({ job_id, values: now }) => ({ job_id, differences: differencesOf(plan, now, redactor) }))
}

/** What becomes of the values of a job; masked as a look at the job masks them. */
function differencesOf(
  { sets, unsets, fields }: EditPlan,
  now: readonly (string | null)[],
  redactor: Redactor,
): Difference[] {
  const after = [
    ...sets.map(({ path, json }) => ({ steps: ['payload', ...path], json })),
    ...unsets.map((path) => ({ steps: ['payload', ...path], json: null })),
    ...fields.map(({ field, text }) => ({ steps: [field], json: jsonOfField(field, text) })),
  ]
  return after.flatMap(({ steps, json }, nth) => {
    const before = now[nth] ?? null
    if (before === json) return []
    const shown = (text: string | null) => maskedAt(redactor, steps, text)
    return [
      {
        path: pathText(steps),
        ...(before !== null && { before: shown(before) }),
        ...(json !== null && { after: shown(json) }),
      },
    ]
  })
}

const jsonOfField = (field: string, text: string | null): string | null =>
  text === null ? null : field === 'priority' || field === 'max_retries' ? text : JSON.stringify(text)

/** A value as it may be shown: masked where a name of its path, or one within it, looks secret. */
function maskedAt(redactor: Redactor, steps: readonly string[], text: string | null): unknown {
  let value: unknown = text === null ? null : readJson(text)
  for (const step of [...steps].reverse()) value = redactor.fields({ [step]: value })[step]
  return value
}

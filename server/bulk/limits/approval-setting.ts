import * as z from 'zod'
import type { BulkKind } from '../../../shared/changes/kinds.ts'
import type { Scope } from '../../../shared/scope.ts'
import { jsonOf } from '../../database/lossless-json.ts'
import { type Limits, mayShareJobs } from '../../database/shared-jobs.ts'
import type { Sql } from '../../database/sql.ts'

/** The name of the setting for changes of all kinds, and of the one for edits alone. */
const nameOf = (kind?: 'edit') => (kind === undefined ? 'approval_above' : `approval_above_${kind}`)

/**
 * Above how many jobs a change needs an approval, by the setting in the database; undefined where nobody has set it. What somebody has written
 * by hand and is no number is 0: it was to limit changes, and any number may be set in its place.
 */
export async function readApprovalSetting(sql: Sql, kind?: 'edit'): Promise<number | undefined> {
  const [row] = await sql<{ above: number }[]>`
    select case when value ~ '^[0-9]{1,15}$' then value::bigint else 0 end as above from jobsctl_settings where name = ${nameOf(kind)}::text`
  return row?.above
}

/** The number that holds: that of the database, or a lower one of this server; undefined where no change needs an approval. */
export async function readApprovalAbove(sql: Sql, ofServer: number | undefined): Promise<number | undefined> {
  const least = Math.min(
    (await readApprovalSetting(sql)) ?? Number.POSITIVE_INFINITY,
    ofServer ?? Number.POSITIVE_INFINITY,
  )
  return Number.isFinite(least) ? least : undefined
}

/** A part of a scope; one that this version does not know may mean any jobs. */
const Part = z.string().optional().catch(undefined)

/** What is read of a rule, also of one that this version does not run. */
const Numbered = z.object({ domain: Part, queue: Part, job_type: Part, approval_above: z.number() })

/**
 * The number for changes of a kind of these jobs: the least of those for all changes, for its kind, and of the rules of the policy whose jobs
 * they may meet.
 */
export async function readApprovalOf(
  sql: Sql,
  ofServer: number | undefined,
  { jobs, kind }: { jobs: Limits; kind: BulkKind },
): Promise<number | undefined> {
  const [above, ofKind, rows] = await Promise.all([
    readApprovalAbove(sql, ofServer),
    kind === 'edit' ? readApprovalSetting(sql, kind) : undefined,
    sql<{ rule: string }[]>`select rule from jobsctl_policy_rules where rule like '%"approval_above"%'`,
  ])
  const rules = rows.flatMap(({ rule }) => {
    const read = Numbered.safeParse(jsonOf(rule))
    return read.success ? [read.data] : []
  })
  const least = Math.min(above ?? Number.POSITIVE_INFINITY, ofKind ?? Number.POSITIVE_INFINITY)
  return leastAbove(Number.isFinite(least) ? least : undefined, rules, jobs)
}

/** The smallest limit among the number and the rules whose scope overlaps these jobs; undefined where there is no limit. */
export function leastAbove(
  above: number | undefined,
  rules: readonly (Scope & { approval_above?: number | undefined })[],
  jobs: Limits,
): number | undefined {
  const numbers = rules
    .filter(({ domain, queue, job_type }) => mayShareJobs({ domain, queue, job_type }, jobs))
    .flatMap(({ approval_above }) => approval_above ?? [])
  const least = Math.min(above ?? Number.POSITIVE_INFINITY, ...numbers)
  return Number.isFinite(least) ? least : undefined
}

/** @param above null takes the setting away */
export async function writeApprovalSetting(tx: Sql, above: number | null, kind?: 'edit'): Promise<void> {
  const name = nameOf(kind)
  if (above === null) await tx`delete from jobsctl_settings where name = ${name}::text`
  else
    await tx`
      insert into jobsctl_settings (name, value) values (${name}::text, ${String(above)}::text)
      on conflict (name) do update set value = excluded.value`
}

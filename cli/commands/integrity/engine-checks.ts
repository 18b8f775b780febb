import type { EngineCheckResult } from '../../../shared/changes/integrity.ts'
import { Failure } from '../../../shared/errors.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import type { Ending } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { groupedDigits } from '../../text/numbers.ts'

const mostShown = 3

/** Shows what the server has found wrong with jobs of another engine, and what to do about each kind. */
export function reportChecks(
  { settings, print }: Context,
  checks: readonly EngineCheckResult[],
  { raw, where }: { raw: unknown; where: string },
): Ending {
  const notWhole = checks.filter(({ jobs, at_least }) => jobs === null || at_least)
  const rows = checks.filter(({ jobs, at_least }) => jobs !== 0 || at_least)
  const isOfSeveral = new Set(checks.map((check) => check.domain)).size > 1
  const domain: Column<EngineCheckResult>[] = [{ title: 'domain', value: (check) => check.domain }]
  const forPeople: Column<EngineCheckResult>[] = [
    { title: 'check', value: ({ title }) => title },
    ...(isOfSeveral ? domain : []),
    { title: 'jobs', value: countText, paint: ({ jobs }) => (jobs === 0 ? undefined : 'yellow') },
  ]
  print.rows({
    columns: [
      { title: 'check', value: ({ check }) => check },
      { title: 'jobs', value: ({ jobs }) => jobs ?? '' },
      { title: 'at_least', value: ({ at_least }) => String(at_least) },
      ...domain,
      { title: 'ids', value: ({ ids }) => ids.join(' ') },
    ],
    forPeople,
    rows,
    json: raw,
    empty: `no job is stuck or past its time in ${where.replace(/^all domains/, 'any domain')}`,
  })
  if (print.forPeople) for (const check of rows) print.aside(`\n${adviceOn(check)}`)
  if (!settings.detailedExitcode) return 'ok'
  if (checks.some(({ jobs }) => (jobs ?? 0) > 0)) return 'would_change'
  if (notWhole.length === 0) return 'ok'
  throw new Failure(
    'preview_incomplete',
    `not all jobs were compared: ${notWhole.map(({ check }) => check).join(', ')}; nothing was changed`,
    { hint: 'narrow it by --queue' },
  )
}

const countText = ({ jobs, at_least }: EngineCheckResult): string | number => {
  if (jobs === null) return 'took too long'
  return at_least ? `${groupedDigits(jobs)} or more` : jobs
}

function adviceOn({ title, jobs, ids, instead }: EngineCheckResult): string {
  if (jobs === null) return `${title}: the search took longer than a statement may take: narrow it by --queue`
  if (jobs === 0) return `${title}: none among the first jobs, and not all were compared: narrow it by --queue`
  const named = ids.slice(0, mostShown).map((id) => escaped(String(id)))
  const more = jobs > named.length ? ', …' : ''
  return `${title}: ${instead}\n  ${named.join(', ')}${more}`
}

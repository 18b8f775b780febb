import type { JobRow } from './database/job-row.ts'

/** By id, the new values of the columns that changed; `updated_at` changes with any of them, and is left out. */
export function differences(before: JobRow[], after: JobRow[]): Record<string, Partial<JobRow>> {
  const now = new Map(after.map((row) => [row.id, row]))
  const changed = before.map((row) => [row.id, changesOf(row, now.get(row.id))] as const)
  return Object.fromEntries(changed.filter(([, columns]) => Object.keys(columns).length > 0))
}

function changesOf(before: JobRow, after: JobRow | undefined): Partial<JobRow> {
  if (!after) return { status: 'deleted' }
  const columns = Object.entries(after).filter(([name, value]) => {
    return name !== 'updated_at' && JSON.stringify(value) !== JSON.stringify(Reflect.get(before, name))
  })
  return Object.fromEntries(columns)
}

/** The ids as the keys of the same change to each of them. */
export const each = (ids: number[], columns: object): Record<string, object> =>
  Object.fromEntries(ids.map((id) => [id, columns]))

/** Matches a time of the last ten minutes, as a row holds it. */
export const justNow = {
  asymmetricMatch: (value: unknown) => typeof value === 'string' && Math.abs(Date.now() - Date.parse(value)) < 600_000,
  toString: () => 'justNow',
}

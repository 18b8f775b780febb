import type { ComponentChildren } from 'preact'
import { ProblemNote } from '../../parts/problem.tsx'
import { path, query, replaceAddress } from '../../state/address.ts'
import { useLoad } from '../../state/load.ts'
import { FilterBar } from './filter-bar.tsx'
import { filterIn, timeFields } from './filter-fields.ts'

/**
 * A screen whose address has a filter. Words of a time, such as `2h`, first give way to the time that they mean: a list, its next page
 * and the change of its jobs mean the same jobs.
 */
export function WithTimes({ children }: { children: ComponentChildren }) {
  const params = query.value
  const words = timeFields.flatMap((name) => {
    const value = params.get(name)
    return value && !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? [[name, value] as const] : []
  })
  const { problem, reload } = useLoad(JSON.stringify(words), async (signal) => {
    if (words.length === 0) return
    const { timeOf } = await import('../../api/time-of.ts')
    const next = new URLSearchParams(params)
    for (const [name, value] of words) next.set(name, await timeOf(value, signal))
    if (!signal.aborted) replaceAddress(`${path.peek()}?${next}`)
  })
  if (words.length === 0) return <>{children}</>
  return (
    <>
      <FilterBar filter={filterIn(params)} rest={{ sort: params.get('sort') ?? undefined }} />
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
    </>
  )
}

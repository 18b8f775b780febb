import { mostScanned } from '../../../shared/jobs/most-scanned.ts'
import type { Sql } from '../../database/sql.ts'
import { servedBy, unionOfPlaces } from '../../engines/served.ts'
import type { Cursor } from './list-cursor.ts'
import { columnsFor, isCandidate, isMatching, type Page, positionOf, startOf } from './list-page.ts'
import { type RankRequest, sorted } from './list-sorted.ts'

/**
 * A page of a list by priority or status over the jobs of another engine. The 50,000 jobs that were made last are sorted; where there are
 * more, the page says that it is not complete.
 */
export async function listNewestByRank(sql: Sql, request: RankRequest, cursor: Cursor | undefined): Promise<Page> {
  const served = servedBy(sql)
  if (served.mode === 'own') return { jobs: [], next: undefined, prev: undefined, scanned: 0, isComplete: true }
  const newest = unionOfPlaces(sql, served.places, ({ adapter, found }, of) => {
    const slice = {
      ...({ time: 'created', direction: 'desc' } as const),
      where: isCandidate(of, request),
      states: request.status ?? [],
      scope: request,
      most: mostScanned,
      sample: request.sample,
    }
    return of`select ${columnsFor(of, request)}, ${isMatching(of, request)} as matching from ${adapter.ordered(of, [found], slice)} as jobs`
  })
  const { rows, scanned } = await sorted(sql, request, {
    cursor,
    matching: sql`jobs.matching`,
    source: () => sql`from (select * from (${newest}) as newest order by created_at desc limit ${mostScanned}) as jobs`,
  })
  const jobs = rows.slice(0, request.limit)
  const last = jobs.at(-1)
  const start = startOf(jobs, cursor)
  const beyond = rows.length > request.limit && last ? positionOf(last) : undefined
  const isComplete = scanned < mostScanned
  const about = { scanned, isComplete, onlyNewest: !isComplete }
  if (cursor?.to === 'prev')
    return {
      jobs: jobs.toReversed(),
      next: start && { to: 'next', place: start },
      prev: beyond && { to: 'prev', place: beyond },
      ...about,
    }
  return {
    jobs,
    next: beyond && { to: 'next', place: beyond },
    prev: cursor && start && { to: 'prev', place: start },
    ...about,
  }
}

import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { until } from '../poll.ts'
import type { World } from '../world.ts'

/** The values of a scrape by their series, as the text has them: `jobsctl_workers{domain="d",queue="q"}`. */
export const seriesOf = (text: string): Record<string, number> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )

/** The names of the metrics of a scrape that have values, without the suffixes of a histogram. */
export const namesOf = (text: string): Set<string> =>
  new Set(Object.keys(seriesOf(text)).map((series) => series.replace(/\{.*/s, '').replace(/_(bucket|sum|count)$/, '')))

/** Waits until the triggers of the history are there: what became of jobs before is in no metric. */
export const untilHistoryIsKept = (world: Pick<World, 'call'>, headers?: Record<string, string>): Promise<boolean> =>
  until('the history is kept', async () => {
    const { body } = await world.call('GET', '/metrics/jobs', undefined, headers)
    return String(body).includes('jobsctl_counts_exact') && !String(body).includes('# jobsctl_transitions_total,')
  })

/** The series that count what has happened, and what there is: the same on every server of a database. */
export const countersOf = (text: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(seriesOf(text)).filter(([series]) => /^jobsctl_jobs\{|_(total|count|bucket|sum)(\{|$)/.test(series)),
  )

/**
 * Waits until the servers tell the same counters, and the wanted ones among them, since a scrape is kept for a second.
 * @param scrapes the text of `/metrics/jobs` of each server
 */
export const untilSameCounters = (scrapes: readonly (() => Promise<string>)[], wanted: Record<string, number>) =>
  expect
    .poll(
      async () => {
        const [first, ...others] = (await Promise.all(scrapes.map((scrape) => scrape()))).map(countersOf)
        return { ...first, same: others.every((one) => isDeepStrictEqual(one, first)) }
      },
      { interval: 300 },
    )
    .toMatchObject({ ...wanted, same: true })

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
export const untilHistoryIsKept = (world: Pick<World, 'call'>): Promise<boolean> =>
  until('the history is kept', async () => {
    const { body } = await world.call('GET', '/metrics/jobs')
    return String(body).includes('jobsctl_counts_exact') && !String(body).includes('# jobsctl_transitions_total,')
  })

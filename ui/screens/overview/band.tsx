import { useEffect } from 'preact/hooks'
import { call } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { later } from '../../parts/later.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { addressOf, query } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { can } from '../../state/engine.ts'
import { overview } from '../../state/overview.ts'
import { clock, serverNow } from '../../state/page.ts'
import { momentsOf } from '../history/moments.ts'

/** The spans that are offered, with the hours and the step of each. */
const spans = [
  ['1h', 1, '1m'],
  ['6h', 6, '5m'],
  ['24h', 24, '15m'],
  ['7d', 168, '1h'],
] as const
const preset = '6h'

const loadChart = () => import('./band-chart.tsx').then((module) => module.BandChart)
/** The room of the chart while it is awaited, so that nothing below it moves. */
const Room = () => <figure class="chart band" aria-busy="true" />
const BandChart = later(loadChart, Room)

/**
 * The band of time: how many jobs waited, how many failed, and what was marked and changed. A press on it goes to that moment, of which
 * everything below is then.
 */
export function Band({ domain }: { domain: string | undefined }) {
  const params = query.value
  const [span, hours, step] = spans.find(([name]) => name === (params.get('span') ?? preset)) ?? spans[1]
  const words = Object.fromEntries(params)
  const minute = Math.floor(clock.value / 60_000)
  // Where end times cannot be read fast, the page says so below the queues, and nobody walks the table each minute.
  const isRead = overview.value?.rates_of !== null
  const { data, problem, reload } = useLoad(JSON.stringify([span, domain, minute, isRead]), async (signal) => {
    if (!isRead) return undefined
    const from = new Date(serverNow() - 3_600_000 * hours).toISOString()
    const history = await call('history', { domain, from, step, depth: 'true' }, { signal })
    // A page that was hidden meanwhile asks nothing more.
    const scope = { domain, queue: undefined, job_type: undefined }
    return { history, moments: document.hidden ? [] : (await momentsOf(history, scope, signal)).moments }
  })
  useEffect(() => {
    // While the numbers are being read. Where this fails, the chart says so.
    loadChart().catch(() => undefined)
  }, [])
  if (!can('history') || !isRead) return null
  return (
    <section aria-label="The last hours">
      <div class="bar head">
        <h2>
          The last {span === '1h' ? 'hour' : span === '7d' ? '7 days' : `${hours} hours`}{' '}
          <span class="faint">click for the past</span>
        </h2>
        <span class="act switch">
          {spans.map(([name]) => (
            <Link
              key={name}
              to={addressOf('/', { ...words, span: name === preset ? undefined : name })}
              current={name === span}
            >
              {name.replace(/(\d+)/, '$1 ')}
            </Link>
          ))}
        </span>
      </div>
      {problem && !data && <ProblemNote problem={problem} onRetry={reload} />}
      {data ? <BandChart {...data} at={params.get('at') ?? undefined} words={words} /> : <Room />}
    </section>
  )
}

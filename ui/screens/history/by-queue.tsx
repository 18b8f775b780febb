import { useState } from 'preact/hooks'
import type { History } from '../../../shared/history/history.ts'
import type { OverviewQueue } from '../../../shared/queues/overview.ts'
import { type Answer, call } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { QueueName } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Sparkline } from '../../parts/sparkline.tsx'
import { addressOf, query } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { overview } from '../../state/overview.ts'
import { serverNow } from '../../state/page.ts'

/** The most queues that are drawn: each is a call. */
const mostQueues = 12

const nameOf = ({ domain, queue }: Pick<OverviewQueue, 'domain' | 'queue'>): string => `${domain}\n${queue}`

/** By what the queues of the overview do now. */
function weightNow(): (name: string) => number {
  const rows = new Map(overview.peek()?.queues.map((row) => [nameOf(row), row]))
  return (name) => {
    const row = rows.get(name)
    return 1e6 * (row?.failed_per_minute ?? 0) + 1e3 * (row?.done_per_minute ?? 0) + (row?.waiting ?? 0)
  }
}

/** By the jobs that were quarantined, running or due at the end of the range. */
function weightThen(groups: Answer<'stats'>): (name: string) => number {
  const jobs = new Map<string, number>()
  for (const group of groups) {
    const { queued, processing, quarantined } = group
    jobs.set(nameOf(group), (jobs.get(nameOf(group)) ?? 0) + queued + processing + quarantined)
  }
  return (name) => jobs.get(name) ?? 0
}

interface ByQueueProps {
  domain: string | undefined
  job_type: string | undefined
  history: History
}

/** A range that ended so long ago is of the past, in milliseconds: what queues do now says nothing of it. */
const pastMs = 120_000

/** The same time for each queue in small, read when somebody unfolds it: those first that fail most now, and of the past those that had most jobs. */
export function ByQueue(props: ByQueueProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details class="by-queue" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>The same by queue</summary>
      {isOpen && <Queues {...props} />}
    </details>
  )
}

function Queues({ domain, job_type, history: { from, to } }: ByQueueProps) {
  const { data, problem, reload } = useLoad(JSON.stringify([domain, job_type, from, to]), async (signal) => {
    const isPast = Date.parse(to) < serverNow() - pastMs
    const [groups, then] = await Promise.all([
      call('stats', { domain, job_type }, { signal }),
      isPast ? call('stats', { domain, job_type, at: to }, { signal }) : [],
    ])
    const names = new Map([...groups, ...then].map((group) => [nameOf(group), group]))
    const weight = isPast ? weightThen(then) : weightNow()
    const shown = [...names.entries()]
      .toSorted(([one], [other]) => weight(other) - weight(one))
      .slice(0, mostQueues)
      .map(([, group]) => group)
    const of = await Promise.all(
      shown.map(async (group) => ({
        domain: group.domain,
        queue: group.queue,
        points: (await call('history', { domain: group.domain, queue: group.queue, job_type, from, to }, { signal }))
          .points,
      })),
    )
    return { of, more: names.size - shown.length }
  })
  const params = Object.fromEntries(query.value)
  if (problem) return <ProblemNote problem={problem} onRetry={reload} />
  if (!data) return <p role="status">Loading…</p>
  return (
    <>
      <ul class="plain small-charts">
        {data.of.map(({ domain, queue, points }) => {
          const failed = points.map((point) => point.failed + point.quarantined)
          const done = points.map(({ completed }) => completed)
          const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0).toLocaleString('en')
          return (
            <li key={`${domain}\n${queue}`}>
              <Link to={addressOf('/history', { ...params, domain, queue })}>
                <QueueName domain={domain} queue={queue} />
              </Link>
              <Sparkline
                label={`${domain}/${queue}: ${sum(done)} completed, ${sum(failed)} failed`}
                series={[
                  ['bad', failed],
                  ['good', done],
                ]}
              />
              <span class="faint">
                {sum(done)} completed, {sum(failed)} failed
              </span>
            </li>
          )
        })}
      </ul>
      {data.more > 0 && (
        <p class="faint">{data.more.toLocaleString('en')} other queues are not drawn: choose a domain.</p>
      )}
    </>
  )
}

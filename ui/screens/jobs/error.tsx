import { call } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { Ago } from '../../parts/times.tsx'
import { addressOf, canBeFound } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { can } from '../../state/engine.ts'
import { jobsText } from '../change/preview.tsx'
import { newSince, useMarks } from '../clusters/marks.ts'
import { type Job, textOf } from './show.tsx'

/** The lines of a stack that are shown before somebody unfolds it. */
const firstLines = 5

/** Why the last attempt failed, in the words of the worker, and whether other jobs fail in the same way. */
export function JobError({ job }: { job: Job }) {
  const [message = '', ...rest] = (textOf(job, 'error_message') || textOf(job, 'last_error')).split('\n')
  const code = textOf(job, 'error_code') || textOf(job, 'failure_streak_code')
  const stack = stackOf(job.error_stack) || rest.join('\n')
  if (message === '' && code === '' && stack === '') return null
  // A retry that is yet to come has the error of the attempt before.
  const isOver = job.status === 'completed'
  return (
    <section class="card error" aria-label="Error">
      <p class="faint">
        {[isOver ? 'An attempt before failed' : '', code, textOf(job, 'error_class')]
          .filter((text) => text !== '')
          .join(' · ')}
      </p>
      {message !== '' && <p class="message">{message}</p>}
      {stack !== '' && <Stack text={stack} />}
      {job.cluster !== undefined && can('clusters') && canBeFound(job.domain ?? '', job.queue ?? '') && (
        <LikeThis job={job} cluster={job.cluster} />
      )}
    </section>
  )
}

/** A stack is text, or a list of lines; anything else is shown as JSON. */
function stackOf(stack: unknown): string {
  if (stack === null || stack === undefined) return ''
  if (typeof stack === 'string') return stack
  if (Array.isArray(stack) && stack.every((line) => typeof line === 'string')) return stack.join('\n')
  return JSON.stringify(stack, undefined, 2)
}

function Stack({ text }: { text: string }) {
  const lines = text.trimEnd().split('\n')
  const more = lines.length - firstLines
  return (
    <>
      <pre class="stack">{lines.slice(0, firstLines).join('\n')}</pre>
      {more > 0 && (
        <details>
          <summary>
            {more} more {more === 1 ? 'line' : 'lines'} of the stack
          </summary>
          <pre class="stack">{lines.slice(firstLines).join('\n')}</pre>
        </details>
      )}
    </>
  )
}

/** How many jobs of the queue fail for the same reason, since when, and what was deployed before. */
function LikeThis({ job, cluster: id }: { job: Job; cluster: string }) {
  const { domain, queue, status } = job
  const scope = { domain: domain ?? undefined, queue: queue ?? undefined }
  const state = status === 'queued' ? 'retrying' : (status ?? undefined)
  const { data } = useLoad(`${id} ${domain}/${queue}`, async (signal) => {
    const { clusters } = await call('failureClusters', { ...scope, status: state }, { signal })
    return clusters.find(({ cluster }) => cluster === id)
  })
  const marks = useMarks()
  const mark = data && newSince(marks, data.first_seen)
  return (
    <p class="like-this">
      {data && (
        <>
          <Link to={addressOf('/jobs', { ...scope, cluster: id })} class="badge bad">
            {data.at_least && 'at least '}
            {jobsText(data.count)} like this
          </Link>{' '}
          in {domain}/{queue}, first <Ago at={data.first_seen} />
          {mark && (
            <>
              , new since <b>{mark.text}</b>
            </>
          )}
          {' · '}
        </>
      )}
      <Link to={addressOf('/clusters', { ...scope, status: state })}>the clusters of the queue</Link>
    </p>
  )
}

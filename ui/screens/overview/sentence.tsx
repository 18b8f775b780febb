import type { ComponentChildren } from 'preact'
import type { Attention, Failing, Overview } from '../../../shared/queues/overview.ts'
import { Name } from '../../parts/name.tsx'
import { QueueLink } from '../../parts/queue-link.tsx'
import { Clock, Span, spanText } from '../../parts/times.tsx'
import { addressOf } from '../../state/address.ts'
import { can } from '../../state/engine.ts'

type Of<Kind extends Attention['kind']> = Extract<Attention, { kind: Kind }>

const number = (count: number) => count.toLocaleString('en')
/** A number with its word: `3 jobs`, `at least 1 job`. */
export const counted = (count: number, word: string, isBound = false) =>
  `${isBound ? 'at least ' : ''}${number(count)} ${word}${count === 1 ? '' : 's'}`

export const queueAddress = ({ domain, queue }: { domain: string; queue: string }) =>
  addressOf('/queue', { domain, queue })

/** The failures of a queue since they began. */
export const failuresAddress = ({ domain, queue, since }: Failing) =>
  addressOf('/clusters', { domain, queue, since: since ?? undefined })

/** What a queue needs somebody for: what is wrong, since when, and why, as far as that is known. */
export function Sentence({ of, marked }: { of: Attention } & Pick<Overview, 'marked'>) {
  const name = <QueueLink domain={of.domain} queue={of.queue} />
  switch (of.kind) {
    case 'failing':
      return (
        <>
          {name} fails <b>{rate(of.per_minute)}</b> <Since {...of} />
          {': '}
          <b>
            <Cause {...of} />
          </b>
          <span class="faint">
            <Extent {...of} /> · <AfterMark {...{ of, marked }} />
          </span>
        </>
      )
    case 'no_worker':
      return (
        <>
          {name} has {counted(of.waiting, 'job')}, and nobody takes them since <Clock at={of.since} />
          {of.workers.length > 0 && (
            <span class="faint">
              {' '}
              · {counted(of.workers.length, 'worker')} silent: <Names of={of.workers} />
            </span>
          )}
        </>
      )
    case 'expired':
      return (
        <>
          {name} has {counted(of.jobs, 'running job')} past {of.jobs === 1 ? 'its' : 'their'} lease
          {of.since && (
            <>
              , the first since <Clock at={of.since} />
            </>
          )}
        </>
      )
    case 'stopped':
      return <StoppedSentence {...{ of, name }} />
  }
}

function StoppedSentence({ of, name }: { of: Of<'stopped'>; name: ComponentChildren }) {
  return (
    <>
      {name} {of.drain ? 'drains' : 'is paused'}
      {of.since && (
        <>
          {' '}
          for <Span since={of.since} />
        </>
      )}
      {of.by && (
        <>
          {' '}
          by <Name of={of.by} />
        </>
      )}
      {of.reason && <>: {of.reason}</>}
      {of.waiting > 0 && <span class="faint"> · {counted(of.waiting, 'job')} waiting</span>}
    </>
  )
}

const Names = ({ of }: { of: readonly string[] }) => (
  <>
    {of.map((name, at) => (
      <span key={name}>
        {at > 0 && ', '}
        <Name of={name} />
      </span>
    ))}
  </>
)

/** A rate as words: `38 times a minute`, and below one a minute in ten minutes. */
const rate = (perMinute: number): string =>
  perMinute >= 1
    ? `${number(Math.round(perMinute))} times a minute`
    : `${Math.ceil(10 * perMinute)} times in 10 minutes`

export const Since = ({ since, since_or_before }: Pick<Failing, 'since' | 'since_or_before'>) => (
  <>
    {since_or_before ? 'since before ' : 'since '}
    <Clock at={since} />
  </>
)

/** The error code and what the messages have in common. */
export function Cause({ error_code, pattern, jobs }: Pick<Failing, 'error_code' | 'pattern' | 'jobs'>) {
  if (!error_code && !pattern) return <>{jobs > 0 ? 'no code, no message' : 'no failed job is there any more'}</>
  const text = [error_code, pattern].filter((part) => part).join(': ')
  return text.length <= mostOfCause ? <>{text}</> : <span title={text}>{text.slice(0, mostOfCause)}…</span>
}

/** The most characters of a cause: a message may fill the screen, and its whole is behind the tooltip and the link. */
const mostOfCause = 200

export const Extent = ({ jobs, owners, at_least }: Pick<Failing, 'jobs' | 'owners' | 'at_least'>) =>
  jobs === 0 ? null : (
    <>
      {' '}
      · {counted(jobs, 'job', at_least)}
      {owners > 0 && `, ${counted(owners, 'owner')}`}
    </>
  )

/** What was marked shortly before; where nobody marks deployments, how to. */
export function AfterMark({ of: { mark, since }, marked }: { of: Failing } & Pick<Overview, 'marked'>) {
  if (mark) {
    const seconds = since === null ? 0 : (Date.parse(since) - Date.parse(mark.at)) / 1000
    return (
      <>
        {seconds >= 30 ? `${spanText(60 * Math.round(seconds / 60))} after` : 'within a minute of'} <b>{mark.text}</b>{' '}
        by <Name of={mark.by} />
      </>
    )
  }
  if (marked === false && can('marks'))
    return (
      <>
        nobody marks deployments here: <code>jobsctl mark "deploy $SHA"</code> in your pipeline
      </>
    )
  return marked === null ? <>marks are not shown to you</> : <>no mark in the hour before</>
}

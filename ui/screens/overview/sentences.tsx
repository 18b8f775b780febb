import { Fragment } from 'preact'
import { useState } from 'preact/hooks'
import type { Attention, Failing, Overview } from '../../../shared/queues/overview.ts'
import { Act } from '../../parts/act.tsx'
import { Link } from '../../parts/controls.tsx'
import { Name, QueueName } from '../../parts/name.tsx'
import { Clock, Span, spanText } from '../../parts/times.tsx'
import { addressOf, query } from '../../state/address.ts'
import { can } from '../../state/engine.ts'
import { maySwitch, Switch } from './switch.tsx'

type Of<Kind extends Attention['kind']> = Extract<Attention, { kind: Kind }>

const number = (count: number) => count.toLocaleString('en')
const counted = (count: number, word: string, isBound = false) =>
  `${isBound ? 'at least ' : ''}${number(count)} ${word}${count === 1 ? '' : 's'}`

const queueAddress = ({ domain, queue }: { domain: string; queue: string }) => addressOf('/queue', { domain, queue })

/** The failures of a queue since they began. */
const failuresAddress = ({ domain, queue, since }: Failing) =>
  addressOf('/clusters', { domain, queue, since: since ?? undefined })

/** What needs somebody, the worst first, each with what can be done; nothing where nobody is needed. */
export function Sentences({
  attention,
  failing_queues,
  marked,
  more_of = [],
}: Pick<Overview, 'attention' | 'failing_queues' | 'marked' | 'more_of'>) {
  if (attention.length === 0 && more_of.length === 0) return null
  const told = attention.filter(({ kind }) => kind === 'failing').length
  const itemsOf = (some: readonly Attention[]) =>
    some.map((of) => <Item key={`${of.kind} ${of.domain}/${of.queue}`} {...{ of, marked }} />)
  return (
    <ul class="plain sentences" aria-label="What needs somebody">
      {itemsOf(attention.filter(({ kind }) => kind === 'failing'))}
      {failing_queues > told && (
        <li class="bad">
          <Link to={addressOf('/', { ...Object.fromEntries(query.value), sort: '-failed' })}>
            {counted(failing_queues - told, 'other queue')} {failing_queues - told === 1 ? 'fails' : 'fail'}, too
          </Link>
        </li>
      )}
      {folded.map(({ kind, more }) => {
        const some = attention.filter((of) => of.kind === kind)
        const rest = some.slice(mostOfKind)
        return (
          <Fragment key={kind}>
            {itemsOf(some.slice(0, mostOfKind))}
            {rest.length > 0 && (
              <li class="care more">
                <details>
                  <summary>
                    {counted(rest.length, 'more queue', more_of.includes(kind))} {more}
                  </summary>
                  <ul class="plain sentences">{itemsOf(rest)}</ul>
                </details>
              </li>
            )}
            {rest.length === 0 && more_of.includes(kind) && (
              <li class="care">
                There may be {some.length > 0 && 'more '}queues {more}: not all were looked at
              </li>
            )}
          </Fragment>
        )
      })}
    </ul>
  )
}

/** One sentence with its acts. A pause or a resume opens below it, with what it means. */
function Item({ of, marked }: { of: Attention } & Pick<Overview, 'marked'>) {
  const [action, setAction] = useState<'pause' | 'resume'>()
  return (
    <li class={of.kind === 'failing' ? 'bad' : 'care'}>
      <div class="sentence">
        <Sentence {...{ of, marked }} />
      </div>
      <Acts of={of} onSwitch={setAction} />
      {action && <Switch {...{ of, action }} onClose={() => setAction(undefined)} />}
    </li>
  )
}

/** The most sentences of a kind that are seen at once, the worst first; failing queues are always seen. */
const mostOfKind = 3

/** The other kinds, and what their queues have in common. */
const folded = [
  { kind: 'no_worker', more: 'that nobody asks for' },
  { kind: 'expired', more: 'with running jobs past their lease' },
  { kind: 'stopped', more: 'that hand out no jobs' },
] as const

function Sentence({ of, marked }: { of: Attention } & Pick<Overview, 'marked'>) {
  const name = (
    <Link to={queueAddress(of)}>
      <QueueName {...of} />
    </Link>
  )
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
          {name} has {counted(of.waiting, 'job')}, and nobody asks for them since <Clock at={of.since} />
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

function StoppedSentence({ of, name }: { of: Of<'stopped'>; name: preact.ComponentChildren }) {
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

interface ActsProps {
  of: Attention
  /** Opens the pause or the resume of the queue below the sentence. */
  onSwitch: (action: 'pause' | 'resume') => void
}

function Acts({ of, onSwitch }: ActsProps) {
  const name = `${of.domain}/${of.queue}`
  const opens = (action: 'pause' | 'resume') => (
    <Act label={`${action === 'pause' ? 'Pause' : 'Resume'} ${name}`} onAct={() => onSwitch(action)}>
      {action === 'pause' ? 'Pause…' : 'Resume…'}
    </Act>
  )
  return (
    <div class="act">
      {of.kind === 'failing' && can('clusters') && (
        <Link to={failuresAddress(of)} class="button primary" label={`Look at the failures of ${name}`}>
          Look
        </Link>
      )}
      {of.kind === 'failing' && maySwitch() && opens('pause')}
      {of.kind === 'no_worker' && (
        <Link to={queueAddress(of)} class="button" label={`Why nobody asks for jobs of ${name}`}>
          Why?
        </Link>
      )}
      {of.kind === 'expired' && (
        <Link
          to={addressOf('/jobs', { domain: of.domain, queue: of.queue, stale: 'true' })}
          class="button"
          label={`Look at the jobs past their lease of ${name}`}
        >
          Look
        </Link>
      )}
      {of.kind === 'stopped' && maySwitch() && opens('resume')}
    </div>
  )
}

export { failuresAddress, queueAddress }

import { Fragment } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { Attention, Overview } from '../../../shared/queues/overview.ts'
import { Act } from '../../parts/act.tsx'
import { Link } from '../../parts/controls.tsx'
import { QueueLink } from '../../parts/queue-link.tsx'
import { addressOf, canBeFound, query } from '../../state/address.ts'
import { can } from '../../state/engine.ts'
import { counted, failuresAddress, queueAddress, Sentence } from './sentence.tsx'
import { maySwitch, Switch } from './switch.tsx'

/** What needs somebody, the worst first, each with what can be done; nothing where nobody is needed. */
export function Sentences({
  attention: now,
  failing_queues,
  marked,
  more_of = [],
}: Pick<Overview, 'attention' | 'failing_queues' | 'marked' | 'more_of'>) {
  const [switches, setSwitches] = useState<ReadonlyMap<string, Action>>(new Map())
  const last = useRef<readonly Attention[]>([])
  const attention = withKept(now, last.current, (key) => switches.has(key))
  last.current = attention
  if (attention.length === 0 && more_of.length === 0) return null
  const told = now.filter(({ kind }) => kind === 'failing').length
  const itemsOf = (some: readonly Attention[]) =>
    some.map((of) => {
      const key = keyOf(of)
      const show = (action: Action | undefined) => {
        const next = new Map(switches)
        next.delete(key)
        setSwitches(action ? next.set(key, action) : next)
      }
      return (
        <Item key={key} {...{ of, marked }} isOver={!now.includes(of)} action={switches.get(key)} onSwitch={show} />
      )
    })
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

type Action = 'pause' | 'resume'

const keyOf = ({ kind, domain, queue }: Attention): string => JSON.stringify([kind, domain, queue])

/** What needs somebody now, with what was there before and is kept: the way back from a resume stays where the sentence of the stop was. */
function withKept(
  now: readonly Attention[],
  last: readonly Attention[],
  isKept: (key: string) => boolean,
): readonly Attention[] {
  const keys = new Set(now.map(keyOf))
  const shown = [...now]
  for (const [at, of] of last.entries()) if (isKept(keyOf(of)) && !keys.has(keyOf(of))) shown.splice(at, 0, of)
  return shown
}

interface ItemProps extends Pick<Overview, 'marked'> {
  of: Attention
  /** True where it does not need anybody any more. */
  isOver: boolean
  /** What is open below the sentence, with what it means. */
  action: Action | undefined
  onSwitch: (action: Action | undefined) => void
}

/** One sentence with its acts. */
const Item = ({ of, marked, isOver, action, onSwitch }: ItemProps) => (
  <li class={isOver ? undefined : of.kind === 'failing' ? 'bad' : 'care'}>
    <div class="sentence">
      {isOver ? <QueueLink domain={of.domain} queue={of.queue} /> : <Sentence {...{ of, marked }} />}
    </div>
    {!isOver && <Acts of={of} onSwitch={onSwitch} />}
    {action && <Switch {...{ of, action }} onClose={() => onSwitch(undefined)} />}
  </li>
)

/** The most sentences of a kind that are seen at once, the worst first; failing queues are always seen. */
const mostOfKind = 3

/** The other kinds, and what their queues have in common. */
const folded = [
  { kind: 'no_worker', more: 'with jobs that nobody takes' },
  { kind: 'expired', more: 'with running jobs past their lease' },
  { kind: 'stopped', more: 'that hand out no jobs' },
] as const

interface ActsProps {
  of: Attention
  /** Opens the pause or the resume of the queue below the sentence. */
  onSwitch: (action: Action) => void
}

function Acts({ of, onSwitch }: ActsProps) {
  // What cannot be found by its name is not changed by it: another queue may be called so.
  if (!canBeFound(of.domain, of.queue)) return null
  const name = `${of.domain}/${of.queue}`
  const opens = (action: Action) => (
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
        <Link to={queueAddress(of)} class="button" label={`Why nobody takes jobs of ${name}`}>
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

import { type BulkKind, isBulkKind, type Kind, kinds } from '../../../shared/changes/kinds.ts'
import { isAct } from '../../../shared/records/acts.ts'
import { secondsOf } from '../../../shared/times/duration.ts'
import type { Answer, Fields } from '../../api/call.ts'
import { can, lackOfChange } from '../../state/engine.ts'
import { may } from '../../state/session.ts'

/** An option of a change beside its filter: its name on the wire, which the address has too, and its flag. */
export interface ChangeOption {
  name: string
  label: string
  flag: string
  /** A number, a duration such as `2h` that is sent in seconds, a switch, or a word out of a list. */
  type: 'number' | 'duration' | 'switch' | readonly (string | readonly [value: string, words: string])[]
  /** What is taken where the address says nothing. */
  preset?: string
  /** The value of the flag in place of the value on the wire, such as `30d` for 30 days; undefined for a switch that is on by itself. */
  inWords?: (value: string) => string
  /** The flag that stands for 0. */
  ofZero?: string
}

/** The endpoint of a kind; it answers a dry run with a preview. */
type ChangeEndpoint = (typeof kinds)[BulkKind]['endpoints'][0]

/** What only the dashboard says of a change, and how its request has the filter. */
interface Form {
  /** One sentence on what it does to the jobs. */
  says: string
  options: readonly ChangeOption[]
  /** The name under which the request has the states of the filter; absent where it takes none. */
  status?: 'status' | 'statuses'
  /** True where a request without a filter must say `all`. */
  hasAll?: true
  /** True where some jobs can go first to see what becomes of them. */
  hasCanary?: true
}

/** What all clients know of a change. */
interface KnownKind extends Pick<Kind, 'label' | 'done' | 'countedBy' | 'takes'> {
  endpoint: ChangeEndpoint
  /** True where jobs end or are deleted. */
  ends: boolean
}

/** A change of many jobs, as this client makes it. */
export interface ChangeKind extends KnownKind, Form {}

/** What the course of a change needs to know of it; a plan is applied by a call of its own. */
export type Counted = Pick<ChangeKind, 'label' | 'done' | 'countedBy'> & { endpoint: ChangeEndpoint | 'applyPlan' }

const spread: ChangeOption = {
  name: 'spread_seconds',
  label: 'Spread over, such as 30m',
  flag: '--spread',
  type: 'duration',
}
const withDependents: ChangeOption = {
  name: 'with_dependents',
  label: 'With the jobs that were cancelled because of them',
  flag: '--no-dependents',
  type: 'switch',
  preset: 'true',
}

/** The changes of the menus, in their order. */
const forms: Readonly<Partial<Record<BulkKind, Form>>> = {
  retry: {
    hasAll: true,
    status: 'status',
    hasCanary: true,
    says: 'Failed jobs run again, with all their retries.',
    options: [
      spread,
      withDependents,
      {
        name: 'also_quarantined',
        label: 'Quarantined jobs, too',
        flag: '--also-quarantined',
        type: 'switch',
      },
      { name: 'keep_retries', label: 'Keep the number of retries', flag: '--keep-retries', type: 'switch' },
    ],
  },
  redrive: {
    hasAll: true,
    status: 'status',
    says: 'Jobs leave a dead letter queue, and are new jobs of the queue that they came from.',
    options: [],
  },
  requeue: {
    hasCanary: true,
    says: 'Quarantined jobs of one domain go back into their queues.',
    options: [spread, withDependents],
  },
  cancel: {
    hasAll: true,
    status: 'status',
    says: 'Queued jobs end, with the jobs that depend on them. The workers of running jobs are asked to end them.',
    options: [
      { name: 'force', label: 'End running jobs at once: their workers lose them', flag: '--force', type: 'switch' },
    ],
  },
  edit: {
    hasAll: true,
    status: 'status',
    hasCanary: true,
    says: 'Values of the payload, and some fields of queued jobs, get other values. All else stays as it is, digit by digit.',
    options: [
      {
        name: 'next',
        label: 'Failed and quarantined jobs',
        flag: '--then',
        type: [
          ['', 'are left out'],
          ['retry', 'are edited and run again'],
        ],
      },
    ],
  },
  priority: {
    hasAll: true,
    status: 'status',
    says: 'Queued jobs get another priority; 1 runs first.',
    options: [{ name: 'priority', label: 'Priority, 1 to 10', flag: '--to', type: 'number', preset: '5' }],
  },
  reschedule: {
    hasAll: true,
    status: 'status',
    says: 'Queued jobs are due at another time.',
    options: [
      {
        name: 'delay_seconds',
        label: 'Due in, such as 2h',
        flag: '--in',
        type: 'duration',
        preset: '0',
        ofZero: '--now',
      },
      spread,
    ],
  },
  reclaim: {
    hasAll: true,
    status: 'status',
    says: 'Running jobs are taken from their workers, and go back into their queues.',
    options: [{ name: 'count_attempt', label: 'Count a failed attempt', flag: '--count-attempt', type: 'switch' }],
  },
  prune: {
    status: 'statuses',
    says: 'Finished jobs past their retention are deleted, with their attachments. They stay in the archive for an undo.',
    options: [
      {
        name: 'older_than_days',
        label: 'Ended at least this many days ago',
        flag: '--older-than',
        type: 'number',
        preset: '30',
        inWords: (value: string) => `${value}d`,
      },
    ],
  },
  sweep: {
    says: 'Jobs that have waited or run for too long end.',
    options: [
      { name: 'age_seconds', label: 'Waiting for at least, such as 1d', flag: '--age', type: 'duration' },
      {
        name: 'runtime_seconds',
        label: 'Running for at least, such as 2h',
        flag: '--runtime',
        type: 'duration',
      },
      { name: 'action', label: 'They end as', flag: '--action', type: ['cancel', 'fail'], preset: 'cancel' },
    ],
  },
}

export function knownKind(kind: BulkKind): KnownKind {
  const { endpoints, effect, ...row } = kinds[kind]
  return { ...row, endpoint: endpoints[0], ends: effect === 'ends' || effect === 'deletes' }
}

const changes = new Map<string, ChangeKind>()
for (const [kind, form] of Object.entries(forms))
  if (isBulkKind(kind)) changes.set(kind, { ...knownKind(kind), ...form })

/** A change by the name that the address has; undefined for a name that no change has. */
export const changeKind = (name: string): ChangeKind | undefined => changes.get(name)

/** The changes that the engine can make, and that can take a job in one of these states; without states every one. */
export const changesFor = (states: readonly string[]): readonly (readonly [string, ChangeKind])[] =>
  [...changes].filter(
    ([name, { takes }]) =>
      lackOfChange(name) === undefined &&
      (name !== 'edit' || may('edit')) &&
      (states.length === 0 ||
        states.some((state) => [...takes.map(String), ...(name === 'edit' ? again : [])].includes(state))),
  )

/** The states that an edit takes, too, where it runs the jobs again. */
const again: readonly string[] = ['failed', 'quarantined']

/** The value of an option in the address, or its preset. */
export const optionIn = (params: URLSearchParams, { name, preset }: ChangeOption): string =>
  params.get(name) ?? preset ?? ''

/** The fields of the options that are set. */
export function optionFields({ options }: ChangeKind, params: URLSearchParams): Fields {
  const given = options.map((option) => [option, optionIn(params, option)] as const).filter(([, value]) => value !== '')
  return Object.fromEntries(given.map(([option, value]) => [option.name, wireValue(option, value)]))
}

function wireValue({ type }: ChangeOption, text: string): unknown {
  if (type === 'switch') return text === 'true'
  if (type === 'duration') return secondsOf(text) ?? text
  // What is no number goes to the server as it is, which says what it must be.
  return type === 'number' && Number.isFinite(Number(text)) ? Number(text) : text
}

/** The undo of an operation as a change of its own. */
export const undoKind: ChangeKind = {
  ...knownKind('undo'),
  options: [],
  says: 'The jobs of this operation are as before it, where nobody has changed them since.',
}

/** True for an operation of which an undo may give something back. */
export const canUndo = ({
  kind,
  state,
  affected,
  no_way_back,
}: Pick<Answer<'getOperation'>, 'kind' | 'state' | 'affected' | 'no_way_back'>): boolean =>
  can('undo') && ['done', 'partial'].includes(state) && affected > 0 && !no_way_back && kind !== 'erase' && !isAct(kind)

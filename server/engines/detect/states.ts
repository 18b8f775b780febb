import { plainName, type Role } from '../../database/queue-like/words.ts'
import type { MappedState } from '../mapped/map.ts'
import type { Column } from '../mapped/table.ts'
import type { Field, Flow } from './map-text.ts'
import type { SampleFacts } from './sample.ts'

/** How the state of a job is told, as far as anybody can tell. */
export interface Decided {
  /** The fields of `status`. */
  fields: readonly Field[]
  /** The states that jobs may have by them. */
  states: ReadonlySet<MappedState>
  /** What makes a job queued, or cancelled; undefined where nothing is known to. */
  queued: Readonly<Record<string, Flow>> | undefined
  cancelled: Readonly<Record<string, Flow>> | undefined
  /** How many questions are left to somebody. */
  questions: number
}

const choice = 'queued, processing, completed, failed, cancelled or quarantined'
export const question = (text: string): string => `${text} (${choice})`

/** A sign that a column is set: a time that is not null, or true. */
const set = (column: Column): Record<string, Flow> => ({ [column.name]: column.base === 'bool' ? true : 'not null' })
const unset = (column: Column): Record<string, Flow> => ({ [column.name]: column.base === 'bool' ? false : null })

interface Told {
  get: (role: Role) => readonly Column[]
  lock: Column | undefined
  error: Column | undefined
  facts: SampleFacts | undefined
}

/**
 * How times and yes-or-no columns are states, where no column has the state itself. The first condition that is true decides.
 * @returns undefined where a table has no such column
 */
export function statesByConditions({ get, lock, error, facts }: Told): Decided | undefined {
  const failed = [...get('failed'), ...get('isFailed')].filter(mayBeUnset)
  const cancelled = [...get('cancelled'), ...get('isCancelled')].filter(mayBeUnset)
  const ended = [...get('completed'), ...get('isCompleted')].filter(mayBeUnset).slice(0, 1)
  const processing = [...get('isProcessing'), ...(lock ? [lock] : []), ...get('started')].filter(mayBeUnset).slice(0, 1)
  const [given] = processing.length === 0 ? ended.filter(isGiven) : []
  if (given) return asksIfEnded(given)
  const completed = ended
  const all = [...failed, ...cancelled, ...completed, ...processing]
  if (all.length === 0) return allFailed(get('failed'))
  const [end] = completed
  const isOpen = end !== undefined && error !== undefined && failed.length === 0 && (facts?.endedWithError ?? 0) > 0
  const states: [MappedState, readonly Column[]][] = [
    ['failed', failed],
    ['cancelled', cancelled],
    ['completed', completed],
    ['processing', processing],
  ]
  const fields = states.flatMap(([name, columns]): Field[] => {
    const conditions = columns.map((column) =>
      name === 'completed' && isOpen ? { ...set(column), [error.name]: null } : set(column),
    )
    const [only, ...others] = conditions
    return only === undefined ? [] : [{ name, value: others.length === 0 ? only : conditions }]
  })
  const asked = isOpen
    ? [
        question(
          `which state have rows with ${end.name} and ${error.name}? seen: ${facts?.endedWithError.toLocaleString('en-US')}. If they are failed: failed: {${end.name}: not null, ${error.name}: not null}`,
        ),
      ]
    : []
  const rest = isOpen ? unset(end) : {}
  return {
    fields: [
      ...fields,
      { name: 'queued', value: rest, why: isOpen ? undefined : 'all other rows' },
      ...(asked.length > 0 ? [{ name: '', notes: asked }] : []),
    ],
    states: new Set([...states.flatMap(([state, columns]) => (columns.length > 0 ? [state] : [])), 'queued']),
    queued: Object.assign({}, ...all.map(unset)),
    cancelled: undefined,
    questions: asked.length,
  }
}

/** A job may have been given to a worker that still has it, as in Symfony Messenger, or to whom it was for. */
const isGiven = ({ name }: Column): boolean => plainName(name) === 'deliveredat'

const asksIfEnded = (given: Column): Decided => ({
  fields: [
    { name: 'queued', value: unset(given) },
    {
      name: '',
      notes: [
        question(
          `which state have rows with ${given.name}? Where a worker still has such a job: processing: {${given.name}: not null}`,
        ),
      ],
    },
  ],
  states: new Set(['queued']),
  queued: unset(given),
  cancelled: undefined,
  questions: 1,
})

/** A table that keeps failed jobs alone has the time of each failure. */
const allFailed = ([first]: readonly Column[]): Decided | undefined =>
  first && {
    fields: [{ name: 'failed', value: set(first), why: 'each row has it' }],
    states: new Set(['failed']),
    queued: undefined,
    cancelled: undefined,
    questions: 0,
  }

/** A time that is never null tells nothing. */
const mayBeUnset = ({ required, base }: Column): boolean => base === 'bool' || !required

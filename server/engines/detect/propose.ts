import type { Role } from '../../database/queue-like/words.ts'
import { type Column, isText, isWhole, type Table } from '../mapped/table.ts'
import { columnsByRole, isAloneUnique, isKey, isPointInTime, keyOf } from './columns.ts'
import type { Field, Flow } from './map-text.ts'
import type { SampleFacts, SeenValue, Signs } from './sample.ts'
import { type Decided, question, statesByConditions } from './states.ts'
import { statesByValue } from './states-by-value.ts'

/** What a proposal goes by, beside the catalog. */
export interface Evidence {
  facts: SampleFacts | undefined
  /** The values of the column that tells the state; undefined where nobody may tell them. */
  values: readonly SeenValue[] | undefined
  /** The values that a check of the table allows. */
  checked: readonly string[]
}

/** What of the columns is read from rows. */
export interface Asked {
  state: Column | undefined
  signs: Signs
  numbers: readonly Column[]
  end: Column | undefined
}

/** The columns of which rows say more than the catalog does. */
export function askedOf(table: Table): Asked {
  const get = columnsByRole(table)
  const text = get('error').find(({ base }) => base === 'text' || base === 'varchar')
  const ends = [...get('completed'), ...get('failed')].filter(({ required }) => !required)
  return {
    state: get('state').find((column) => !isAloneUnique(table, column)),
    signs: { lock: lockOf(get), error: text, ends },
    numbers: [...table.columns.values()].filter((column) => isWhole(column) && isTimeByName(get, column)),
    end: get('completed')[0],
  }
}

const timeRoles = [
  'created',
  'due',
  'locked',
  'started',
  'lease',
  'completed',
  'failed',
  'cancelled',
  'updated',
] as const

const isTimeByName = (get: Get, column: Column): boolean => timeRoles.some((role) => get(role).includes(column))

type Get = (role: Role) => readonly Column[]

const lockOf = (get: Get): Column | undefined =>
  [...get('locked'), ...get('lockedBy')].find(({ required }) => !required)

/** A map as somebody would write it, with the questions that are left. */
export interface Proposal {
  fields: Field[]
  /** How many questions are left; a check of the map refuses it until they are answered, where a job has no state. */
  questions: number
}

/** The name of a table, and as a map has it. */
export interface Named {
  table: string
  inMap: string
}

/** Proposes how the rows of a table are jobs. */
export function propose(table: Table, named: Named, { facts, values, checked }: Evidence): Proposal {
  const { state, signs } = askedOf(table)
  const all = columnsByRole(table)
  const milliseconds = [...(facts?.milliseconds ?? [])]
  const get: Get = (role) =>
    all(role).filter((column) => !(milliseconds.includes(column.name) && isTimeByName(all, column)))
  const decided = state
    ? statesByValue(state, { values, named: state.labels ?? checked, signs })
    : (statesByConditions({ get, lock: lockOf(get), error: signs.error, facts }) ?? unknownState)
  const times = timesOf(get)
  const unused = unusedTimes(table, get)
  const used = new Set([state, times.due])
  const take = (role: Role): Column | undefined => {
    const column = get(role).find((one) => !used.has(one))
    used.add(column)
    return column
  }
  const field = (name: string, column: Column | undefined): Field[] =>
    column ? [{ name, value: { column: column.name } }] : []
  const [lockedBy, error, attempts, queue] = [take('lockedBy'), take('error'), take('attempts'), take('queue')]
  const fields: Field[] = [
    { name: 'table', value: named.inMap },
    keyField(table),
    { name: 'queue', value: queue ? queueOf(queue) : named.table },
    ...field('job_type', take('kind')),
    { name: 'status', fields: decided.fields },
    timesField(times, { milliseconds, unused }),
    ...field('error', error),
    ...field('owner', take('owner')),
    ...field('payload', take('payload')),
    ...field('result', take('result')),
    ...field('priority', take('priority')),
    ...field('attempts', attempts),
    ...field('max_attempts', take('mostAttempts')),
    ...field('locked_by', lockedBy),
    ...field('batch_group', take('batch')),
    ...versionOf(table),
    ...changesOf({ table, decided, get, times, attempts, error, lockedBy }),
    ...triggersOf(table),
  ]
  return { fields, questions: decided.questions + Number(!keyOf(table)) + Number(!times.created) }
}

/** No call names a queue without a name, so that jobs without one get the usual name. */
const queueOf = ({ name, required }: Column): Flow => ({ column: name, ...(!required && { none: 'default' }) })

function keyField(table: Table): Field {
  const key = keyOf(table)
  if (key) return { name: 'key', value: key.name }
  const columns = [...table.columns.values()]
  const odd = columns.find((column) => column.required && !isKey(column) && isAloneUnique(table, column))
  if (odd)
    return {
      name: 'key',
      value: odd.name,
      notes: [`${odd.name} is of type ${odd.base}, and a key is of type bigint, integer, uuid or text: no map fits it`],
    }
  return {
    name: 'key',
    value: columns.find((column) => isKey(column) && !isText(column))?.name ?? 'id',
    notes: ['which column names a job? A key is not null and has a unique index of its own, and this table has none'],
  }
}

/** The columns with the times of a job. */
interface Times {
  created: Column | undefined
  due: Column | undefined
  started: Column | undefined
  lease: Column | undefined
  /** The times of ends. */
  ended: readonly Column[]
  /** The table has no time of an end, and that of the last change stands for it. */
  isLastChange: boolean
}

function timesOf(get: Get): Times {
  const [created] = [...get('created'), ...get('due'), ...get('failed'), ...get('started'), ...get('updated')]
  const ends = [...get('completed').slice(0, 1), ...get('failed'), ...get('cancelled')]
  return {
    created,
    due: get('due')[0],
    started: get('started')[0] ?? get('locked')[0],
    lease: get('lease')[0],
    ended: ends.length > 0 ? ends : get('updated').slice(0, 1),
    isLastChange: ends.length === 0,
  }
}

/** Times whose names say nothing of a job. One of them may be a state, such as `expired_at` of jobs that were given up. */
const unusedTimes = ({ columns }: Table, get: Get): string[] =>
  [...columns.values()].flatMap((column) =>
    isPointInTime(column) && !isWhole(column) && !column.required && !isTimeByName(get, column) ? [column.name] : [],
  )

function timesField(
  { created, due, started, lease, ended, isLastChange }: Times,
  { milliseconds, unused }: { milliseconds: readonly string[]; unused: readonly string[] },
): Field {
  const [end, ...otherEnds] = ended
  const zoneless = [created, due, started, lease, ...ended].flatMap((one) =>
    one && (one.base === 'timestamp' || one.base === 'date') ? [one.name] : [],
  )
  return {
    name: 'times',
    value: {
      created: created?.name ?? 'created_at',
      ...(due && { due: due.name }),
      ...(started && { started: started.name }),
      ...(lease && { lease: lease.name }),
      ...(end && { ended: otherEnds.length === 0 ? end.name : ended.map(({ name }) => name) }),
    },
    notes: [
      ...(created ? [] : ['which column has the time at which a job was made? No column of this table looks like it']),
      ...milliseconds.map((name) => `${name} counts milliseconds, and a map reads seconds: it is left out`),
      ...(end && isLastChange
        ? [`${end.name} stands for the end of a job: right where nothing writes to a job once it has ended`]
        : []),
      ...(zoneless.length > 0
        ? [`${[...new Set(zoneless)].join(', ')}: without a zone, read as UTC; else, for example, zone: Europe/Berlin`]
        : []),
      ...(unused.length > 0 ? [`not used: ${unused.join(', ')}. Where one tells a state, add it to status`] : []),
    ],
  }
}

const triggersOf = ({ triggers }: Table): Field[] =>
  triggers.length === 0
    ? []
    : [
        {
          name: '',
          notes: [
            `triggers fire where jobsctl changes a job, too: ${triggers.map(({ name, events }) => `${name} (${events})`).join(', ')}`,
          ],
        },
      ]

/** Nothing tells the state. A map without any is read, and fits no table with a row. */
const unknownState: Decided = {
  fields: [
    {
      name: 'column',
      value: 'status',
      notes: [
        question('which column tells the state of a job, and what do its values mean?'),
        'where each row is a job that waits, since ended ones are deleted: status: {queued: {}}',
      ],
    },
    { name: 'map', value: {} },
  ],
  states: new Set(),
  queued: undefined,
  cancelled: undefined,
  questions: 1,
}

function versionOf({ columns }: Table): Field[] {
  const version = columns.get('lock_version')
  return version && isWhole(version)
    ? [{ name: 'lock_version', value: version.name, why: 'every change raises it by 1' }]
    : []
}

interface Changing {
  table: Table
  decided: Decided
  get: Get
  times: Times
  attempts: Column | undefined
  error: Column | undefined
  lockedBy: Column | undefined
}

/** What a retry, a cancel and a prune would do, where the states of jobs before and after it are known. */
function changesOf(changing: Changing): Field[] {
  const { table, decided, times, get } = changing
  const pruned = (['completed', 'failed', 'cancelled'] as const).filter((state) => decided.states.has(state))
  const [end] = times.ended
  const changes: Field[] = []
  if (decided.states.has('failed') && decided.queued)
    changes.push({ name: 'retry', value: { set: retrySet(changing, decided.queued) } })
  if (decided.cancelled)
    changes.push({ name: 'cancel', value: { set: { ...decided.cancelled, ...endSet(get('cancelled')[0] ?? end) } } })
  if (table.referredBy.length > 0)
    changes.push({
      name: 'foreign_keys',
      value: 'refuse',
      notes: [`rows of ${table.referredBy.join(', ')} refer to jobs, so that no prune is proposed`],
    })
  else if (pruned.length > 0 && end) changes.push({ name: 'prune', value: { of: pruned } })
  return changes
}

const endSet = (end: Column | undefined): Record<string, Flow> =>
  end && !end.isGenerated ? { [end.name]: 'now()' } : {}

/** Everything that an attempt has left behind is emptied, and the job is due now. */
function retrySet(
  { get, times, attempts, error, lockedBy }: Changing,
  queued: Readonly<Record<string, Flow>>,
): Record<string, Flow> {
  const set: Record<string, Flow> = { ...queued }
  const mayBeSet = (column: Column | undefined): column is Column =>
    column !== undefined && !column.isGenerated && !Object.hasOwn(set, column.name)
  if (mayBeSet(attempts)) set[attempts.name] = 0
  if (mayBeSet(times.due)) set[times.due.name] = 'now()'
  const ends = times.isLastChange ? [] : times.ended
  for (const column of [...get('locked'), lockedBy, ...get('lease'), error, ...ends])
    if (mayBeSet(column) && !column.required) set[column.name] = null
  return set
}

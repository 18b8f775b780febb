import type { JobsMap, MappedState, Test, ValueOfRow } from './map.ts'
import { type Column, isNumber, isText, isTime, isWhole, type Table, uniqueBeside, whyNotSet } from './table.ts'

/** What is wrong with a map, and where in the file. */
export interface MapFault {
  path: readonly (string | number)[]
  message: string
  /** The fault is about a key, not about its value. */
  key?: boolean
}

/** A literal and the column that it becomes, or that it is compared with. */
interface UsedLiteral {
  path: MapFault['path']
  text: string
  column: Column
  isSet?: boolean
  /** It is a key of the file. */
  key?: boolean
}

/** Values of two columns, which PostgreSQL compares by an operator. */
interface UsedOperator {
  fault: MapFault
  columns: [Column, Column]
  operator: '=' | '<'
}

interface Checked {
  faults: MapFault[]
  literals: UsedLiteral[]
  operators: UsedOperator[]
}

const named = ({ columns }: Table): string => [...columns.keys()].slice(0, 40).join(', ')

/**
 * Compares a map with the table that it names.
 * @param others the tables that `from` names, by this name
 */
export function checkMap(map: JobsMap, table: Table, others: ReadonlyMap<string, Table | undefined>): Checked {
  const faults: MapFault[] = []
  const literals: UsedLiteral[] = []
  const operators: UsedOperator[] = []
  const fault = (path: MapFault['path'], message: string, key = false) =>
    void faults.push({ path, message, ...(key && { key }) })
  const find = (name: string, path: MapFault['path'], { of = table, key = false } = {}): Column | undefined => {
    const column = of.columns.get(name)
    if (!column) fault(path, `${of.relation} has no column ${name}; it has ${named(of)}`, key)
    return column
  }
  const require = (path: MapFault['path'], name: string, rule: { is: (column: Column) => boolean; what: string }) => {
    const column = find(name, path)
    if (column && !rule.is(column))
      fault(path, `the column ${name} is of type ${column.base}, and must be ${rule.what}`)
    return column
  }

  if (table.kind !== 'r' && table.kind !== 'p') {
    fault(['table'], `${table.relation} is no table: a view or a foreign table cannot be changed with records and undo`)
    return { faults, literals, operators }
  }
  if (table.relation.endsWith('.solid_queue_jobs')) {
    fault(
      ['table'],
      `Solid Queue keeps the state of a job in which of several tables has a row of it, and a map reads the state from the row of the job: no map can say it`,
    )
    return { faults, literals, operators }
  }
  const key = require(['key'], map.key, { is: isKey, what: 'bigint, integer, uuid or text' })
  if (key && !isUnique(table, key.name) && !isUniqueByTime(map, table))
    fault(['key'], `no unique index of ${table.relation} has the column ${key.name} alone, so it names no single job`)
  else if (key && !key.required) fault(['key'], `the column ${key.name} may be null; a key is not null`)

  for (const field of ['queue', 'job_type'] as const) {
    const value = map[field]
    if (typeof value === 'object') find(value.column, [field, 'column'])
  }
  for (const [field, name] of Object.entries(map.times)) {
    if (Array.isArray(name)) name.forEach((one, at) => void require(['times', field, at], one, timeRule))
    else if (name !== undefined) require(['times', field], name, timeRule)
  }
  if (map.zone !== undefined && !isZone(map.zone)) fault(['zone'], 'is no time zone, such as Europe/Berlin')
  for (const field of ['error', 'owner', 'payload', 'result'] as const) {
    const value = map[field]
    if (value) checkValue(value, [field])
  }
  for (const field of ['priority', 'attempts', 'max_attempts'] as const) {
    const value = map[field]
    if (value) require([field, 'column'], value.column, { is: isNumber, what: 'a number' })
  }
  for (const field of ['locked_by', 'batch_group'] as const) {
    const value = map[field]
    if (value) find(value.column, [field, 'column'])
  }
  if (map.lock_version) checkLockVersion(map.lock_version)
  checkStatus()
  for (const verb of ['retry', 'cancel'] as const) checkSet(verb, verb === 'retry' ? 'queued' : 'cancelled')
  if (map.prune && !map.times.ended) fault(['prune'], 'needs times.ended: the age of a job counts from its end', true)
  return { faults, literals, operators }

  function checkValue({ column, from, where, newest }: ValueOfRow, path: MapFault['path']): void {
    if (from === undefined) {
      find(column, [...path, 'column'])
      if (where || newest) fault(path, 'has where or newest without from')
      return
    }
    const of = others.get(from)
    if (!of) {
      fault([...path, 'from'], `the database has no table ${from} that this role may see`)
      return
    }
    find(column, [...path, 'column'], { of })
    const last = newest && find(newest, [...path, 'newest'], { of })
    if (last) {
      const message = `PostgreSQL has no order of values of the type ${last.base}`
      operators.push({ fault: { path: [...path, 'newest'], message }, columns: [last, last], operator: '<' })
    }
    if (!where || Object.keys(where).length === 0)
      fault(path, 'needs where: the columns of the other table, and those of the job that they are equal to')
    for (const [theirs, own] of Object.entries(where ?? {})) {
      const at = [...path, 'where', theirs]
      const one = find(theirs, at, { of, key: true })
      const other = find(own, at)
      if (!one || !other) continue
      const message = `PostgreSQL compares no column of type ${one.base} with one of type ${other.base}`
      operators.push({ fault: { path: at, message }, columns: [one, other], operator: '=' })
    }
  }

  /** Every change raises it, so that it can have no other meaning. */
  function checkLockVersion(name: string): void {
    const path = ['lock_version']
    const column = require(path, name, { is: isWhole, what: 'a whole number' })
    const { status, times, priority } = map
    const ofState =
      'column' in status ? [status.column] : status.when.flatMap(([, condition]) => Object.keys(condition))
    if (column && whyNotSet({ map }, column) !== undefined) fault(path, 'is a column that no change may set')
    else if ([...ofState, times.due, priority?.column].includes(name))
      fault(path, 'is a column that a change sets to something else')
  }

  function checkStatus(): void {
    const { status } = map
    if ('column' in status) {
      const column = find(status.column, ['status', 'column'])
      if (!column) return
      for (const [text] of status.states)
        if (!isOfOtherRelease(map, column, text))
          literals.push({ path: ['status', 'map', text], text, column, key: true })
      const known = status.states.map(([text]) => text)
      const missing = (column.labels ?? []).filter((label) => !known.includes(label))
      if (missing.length > 0)
        fault(['status', 'map'], `does not have the value ${missing.join(', ')} of the type ${column.base}`)
      return
    }
    const seen = new Map<MappedState, number>()
    for (const [state, condition] of status.when) {
      const at = seen.get(state) ?? 0
      seen.set(state, at + 1)
      const several = status.when.filter(([other]) => other === state).length > 1
      const path = several ? ['status', state, at] : ['status', state]
      for (const [name, test] of Object.entries(condition)) {
        const column = find(name, [...path, name], { key: true })
        if (column) checkTest(test, column, [...path, name])
      }
    }
  }

  function checkTest(test: Test, column: Column, path: MapFault['path']): void {
    if (test === null || test === 'not null') return
    if (Array.isArray(test)) {
      for (const [at, one] of test.entries()) literals.push({ path: [...path, at], text: String(one), column })
    } else if (typeof test === 'object') {
      if (!isTime(column))
        fault(path, `the column ${column.name} is of type ${column.base}, and must be ${timeRule.what}`)
    } else literals.push({ path, text: String(test), column })
  }

  function checkSet(verb: 'retry' | 'cancel', state: MappedState): void {
    const set = map[verb]?.set
    if (!set) return
    for (const [name, value] of Object.entries(set)) {
      const path = [verb, 'set', name]
      const column = find(name, path, { key: true })
      if (!column) continue
      if (whyNotSet({ map }, column) !== undefined) fault(path, 'is a column that no change may set', true)
      else if (typeof map.queue === 'object' && map.queue.column === name)
        fault(path, 'is the column of queue, which is a part of the ids of jobs: no undo would find them', true)
      else if (value === 'now()') {
        if (!isTime(column)) fault(path, `the column ${name} is of type ${column.base}, and now() is a time`)
      } else if (value === null) {
        if (column.required) fault(path, `the column ${name} is not null`)
      } else {
        const length = lengthOf(column)
        if (length !== undefined && [...String(value)].length > length)
          fault(path, `has more than ${length} characters, which the column ${name} does not take`)
        else literals.push({ path, text: String(value), column, isSet: true })
      }
    }
    const after = stateAfter(map, set)
    if (after === 'same') fault([verb, 'set'], `sets no column of status, so that no job becomes ${state}`)
    else if (after !== 'open' && after !== state)
      fault([verb, 'set'], `makes jobs ${after}, and must make them ${state}`)
  }
}

/** A map that only looks may name values that an enum has in other releases: no job has them. */
export const isOfOtherRelease = ({ look_only }: JobsMap, { labels }: Column, text: string): boolean =>
  look_only === true && labels !== null && !labels.includes(text)

/** How many characters a column takes; undefined for one without a limit. */
const lengthOf = ({ base, modifier }: Column): number | undefined =>
  (base === 'varchar' || base === 'bpchar') && modifier >= 4 ? modifier - 4 : undefined

const timeRule = { is: isTime, what: 'a time, or a number of seconds since 1970' }
const isKey = (column: Column): boolean => isWhole(column) || column.base === 'uuid' || isText(column)

const isUnique = ({ indexes }: Table, name: string): boolean =>
  indexes.some(
    ({ columns, isUnique, isPartial }) => isUnique && !isPartial && columns.length === 1 && columns[0] === name,
  )

/** In a table with partitions by the time of the creation, a key and that time name a row: such a table is only looked at. */
const isUniqueByTime = ({ key, times }: JobsMap, table: Table): boolean =>
  uniqueBeside(table, key)?.every((name) => name === times.created) ?? false

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return /^[A-Za-z]/.test(zone)
  } catch {
    return false
  }
}

/** The state of a job after an update, as far as the map tells: `open` where it depends on the job, `same` where nothing of the state is set. */
function stateAfter(
  { status }: JobsMap,
  set: Readonly<Record<string, unknown>>,
): MappedState | 'unmapped' | 'open' | 'same' {
  if ('column' in status) {
    if (!Object.hasOwn(set, status.column)) return 'same'
    const text = String(set[status.column])
    return status.states.find(([value]) => value === text)?.[1] ?? 'unmapped'
  }
  if (!status.when.some(([, condition]) => Object.keys(condition).some((name) => Object.hasOwn(set, name))))
    return 'same'
  let isOpen = false
  for (const [state, condition] of status.when) {
    const answers = Object.entries(condition).map(([name, test]) =>
      Object.hasOwn(set, name) ? isTrue(test, set[name]) : undefined,
    )
    if (answers.includes(false)) continue
    if (answers.includes(undefined)) isOpen = true
    else return isOpen ? 'open' : state
  }
  return isOpen ? 'open' : 'unmapped'
}

/** Whether a column with this value passes; undefined where time decides. */
function isTrue(test: Test, value: unknown): boolean | undefined {
  if (test === null) return value === null
  if (test === 'not null') return value !== null
  if (Array.isArray(test)) return value !== null && test.some((one) => String(one) === String(value))
  if (typeof test === 'object') return value === null ? false : undefined
  return value !== null && String(test) === String(value)
}

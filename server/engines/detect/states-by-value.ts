import type { MappedState } from '../mapped/map.ts'
import { type Column, isWhole } from '../mapped/table.ts'
import { defaultOf } from './columns.ts'
import type { Flow } from './map-text.ts'
import type { SeenValue, Signs } from './sample.ts'
import { rankOfWord, stateOfWord } from './state-words.ts'
import { type Decided, question } from './states.ts'

interface Meaning {
  value: string
  state: MappedState
  /** What says so, where it is not the word itself. */
  why: string | undefined
}

/** Fewer rows with a value prove nothing about it. */
const enoughRows = 5

const eachHas = ({ rows }: SeenValue, count: number): boolean => rows >= enoughRows && count === rows

/**
 * What the rows with a value say about it. A lock or an error alone says nothing, since a program may leave both behind: there must be the time of an
 * end, which running jobs lack and ended ones have.
 */
function stateOfRows(seen: SeenValue, { lock, error, ends }: Signs): Omit<Meaning, 'value'> | undefined {
  if (ends.length === 0) return undefined
  const end = ends.map(({ name }) => name).join(' or ')
  if (lock && eachHas(seen, seen.locked) && seen.ended === 0)
    return { state: 'processing', why: `each of ${seen.rows} rows has ${lock.name}, none has ${end}` }
  if (!eachHas(seen, seen.ended)) return undefined
  if (error && eachHas(seen, seen.failed))
    return { state: 'failed', why: `each of ${seen.rows} rows has ${end} and ${error.name}` }
  return error && seen.failed === 0
    ? { state: 'completed', why: `each of ${seen.rows} rows has ${end}, none has ${error.name}` }
    : undefined
}

function meaningOf(column: Column, value: string, seen: SeenValue | undefined, signs: Signs): Meaning | undefined {
  const state = isWhole(column) ? undefined : stateOfWord(value)
  if (state !== undefined) return { value, state, why: undefined }
  if (value === defaultOf(column)) return { value, state: 'queued', why: 'the default of the column' }
  const told = seen && stateOfRows(seen, signs)
  return told && { value, ...told }
}

/** Two values whose rows say the same are told apart by something else, which only somebody knows. */
const isSure = ({ state, why }: Meaning, all: readonly Meaning[]): boolean =>
  why === undefined || state === 'queued' || all.filter((one) => one.state === state).length === 1

/**
 * How the values of a column are states.
 * @param values what rows of the sample have; undefined where values are not told
 * @param named the values that the catalog names: of an enum, or of a check
 */
export function statesByValue(
  column: Column,
  { values, named, signs }: { values: readonly SeenValue[] | undefined; named: readonly string[]; signs: Signs },
): Decided {
  const fallback = defaultOf(column)
  const seen = (values ?? []).flatMap(({ value }) => value ?? [])
  const all = [...new Set([...named, ...(fallback === undefined ? [] : [fallback]), ...seen])].sort(inOrder)
  const rowsOf = (value: string) => values?.find((one) => one.value === value)
  const told = all.flatMap((value) => meaningOf(column, value, rowsOf(value), signs) ?? [])
  const meanings = told.filter((one) => isSure(one, told))
  const open = all.filter((value) => meanings.every((one) => one.value !== value))
  const hasNull = (values ?? []).some(({ value }) => value === null)
  const asked = questionsOf(column, { values, open: open.map((value) => textOf(value, rowsOf(value), signs)), hasNull })
  const literal = (value: string): Flow =>
    isWhole(column) && Number.isSafeInteger(Number(value)) ? Number(value) : value
  const queued = bestOf(meanings, 'queued', fallback)
  const cancelled = bestOf(meanings, 'cancelled', undefined)
  const lock = signs.lock && isSplit(meanings, { open, rowsOf, lock: signs.lock }) ? signs.lock : undefined
  return {
    fields:
      meanings.length > 0 && (lock || hasNull)
        ? conditionsOf(column, { meanings, lock, literal, asked })
        : [
            { name: 'column', value: column.name },
            {
              name: 'map',
              ...(meanings.length === 0
                ? { value: {}, notes: asked }
                : {
                    fields: [
                      ...meanings.map(({ value, state, why }) => ({ name: value, value: state, why })),
                      ...(asked.length > 0 ? [{ name: '', notes: asked }] : []),
                    ],
                  }),
            },
          ],
    states: new Set([...meanings.map(({ state }) => state), ...(lock ? (['processing'] as const) : [])]),
    queued: queued === undefined ? undefined : { [column.name]: literal(queued) },
    cancelled: cancelled === undefined ? undefined : { [column.name]: literal(cancelled) },
    questions: asked.length,
  }
}

const inOrder = (one: string, other: string): number => Number(one) - Number(other) || (one < other ? -1 : 1)

/** The value that jobs get: the default where it means the state, else the usual word. */
const bestOf = (meanings: readonly Meaning[], state: MappedState, fallback: string | undefined): string | undefined =>
  meanings
    .filter((one) => one.state === state)
    .map(({ value }) => value)
    .toSorted((a, b) => Number(b === fallback) - Number(a === fallback) || rankOfWord(a) - rankOfWord(b))[0]

/** Running jobs have the value of waiting ones, and a lock. */
const isSplit = (
  meanings: readonly Meaning[],
  { open, rowsOf, lock }: { open: readonly string[]; rowsOf: (value: string) => SeenValue | undefined; lock: Column },
): boolean =>
  !lock.required &&
  meanings.every(({ state }) => state !== 'processing') &&
  meanings.some(({ state }) => state === 'queued') &&
  (open.length === 0 || meanings.some(({ value, state }) => state === 'queued' && (rowsOf(value)?.locked ?? 0) > 0))

interface ByConditions {
  meanings: readonly Meaning[]
  lock: Column | undefined
  literal: (value: string) => Flow
  asked: readonly string[]
}

function conditionsOf(column: Column, { meanings, lock, literal, asked }: ByConditions): Decided['fields'] {
  const states = [...new Set(meanings.map(({ state }) => state))]
  const valuesOf = (state: MappedState): Flow => {
    const [only, ...others] = meanings.filter((one) => one.state === state).map(({ value }) => literal(value))
    return others.length === 0 && only !== undefined ? only : [...(only === undefined ? [] : [only]), ...others]
  }
  const conditions = states.map((state) => ({
    name: state,
    value: { [column.name]: valuesOf(state), ...(lock && state === 'queued' && { [lock.name]: null }) },
  }))
  return [
    ...conditions,
    ...(lock ? [{ name: 'processing', value: { [column.name]: valuesOf('queued'), [lock.name]: 'not null' } }] : []),
    ...(asked.length > 0 ? [{ name: '', notes: asked }] : []),
  ]
}

/** A value that nobody could decide, with what its rows have. */
function textOf(value: string, seen: SeenValue | undefined, { lock, error, ends }: Signs): string {
  const shown = JSON.stringify(value).slice(1, -1)
  if (!seen) return shown
  const has = [
    ...(lock && seen.locked === seen.rows ? [lock.name] : []),
    ...(error && seen.failed === seen.rows ? [error.name] : []),
    ...(seen.ended === seen.rows ? [ends.map(({ name }) => name).join(' or ')] : []),
  ]
  const rows = seen.rows === 1 ? '1 row' : `${seen.rows.toLocaleString('en-US')} rows`
  return `${shown} (${rows}${has.length > 0 ? `, each with ${has.join(' and ')}` : ''})`
}

interface Open {
  values: readonly SeenValue[] | undefined
  open: readonly string[]
  hasNull: boolean
}

function questionsOf({ name }: Column, { values, open, hasNull }: Open): string[] {
  return [
    ...(open.length > 0 ? [question(`which state is each of these values of ${name}? seen: ${open.join(', ')}`)] : []),
    ...(values === undefined
      ? [
          question(
            `which state is each value of ${name}? Its values are not told: it has a unique index, 20 values or more, or long ones`,
          ),
        ]
      : []),
    ...(hasNull
      ? [question(`which state have rows without ${name}? Then, for example: queued: [{${name}: …}, {${name}: null}]`)]
      : []),
  ]
}

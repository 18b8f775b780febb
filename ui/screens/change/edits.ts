import { escapedJson } from '../../../shared/text/escape.ts'
import { mask } from '../../../shared/text/mask.ts'
import type { Answer } from '../../api/call.ts'
import { parseJson } from '../../api/json.ts'

type Path = string | readonly string[]

interface Value {
  path: Path
  /** The value as the text of JSON, which keeps its digits. */
  json: string
}

/** What an edit changes, as its request has it. */
export interface Edits {
  set: readonly Value[]
  unset: readonly Path[]
  /** What was shown in their places: a value that somebody has changed meanwhile is not overwritten. */
  if: readonly Value[]
}

export const noEdits: Edits = { set: [], unset: [], if: [] }

export const isEmpty = ({ set, unset }: Edits): boolean => set.length + unset.length === 0

/** The fields of a job that an edit can set beside its payload. */
const editable = ['priority', 'max_retries', 'available_at', 'owner_user_id', 'batch_group', 'job_type'] as const

/** A job as the text in which somebody edits it; characters that reorder text, or hide in it, are there by their codes. */
export const textOfJob = (job: Answer<'showJob'>): string =>
  escapedJson(
    JSON.stringify(
      { ...Object.fromEntries(editable.map((name) => [name, job[name] ?? null])), payload: job.payload ?? null },
      undefined,
      2,
    ),
  )

/**
 * What was changed between two texts of a job. Only what differs is named, so that a masked value that comes back as it was shown is no part
 * of it.
 * @throws SyntaxError for a text that is not JSON
 */
export function editsBetween(before: string, after: string): Edits {
  const found = { set: [] as Value[], unset: [] as Path[], if: [] as Value[] }
  compare(parseJson(before), parseJson(after), [])
  return found

  function compare(was: unknown, is: unknown, path: readonly string[]): void {
    if (JSON.stringify(was) === JSON.stringify(is)) return
    if (isObject(was) && isObject(is)) {
      for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
        const at = [...path, name]
        if (!Object.hasOwn(is, name)) {
          found.unset.push(at)
          condition(was[name], at)
        } else if (!Object.hasOwn(was, name)) found.set.push({ path: at, json: JSON.stringify(is[name]) })
        else compare(was[name], is[name], at)
      }
      return
    }
    // A masked value beside the one that differs is no part of the edit.
    if (Array.isArray(was) && Array.isArray(is) && was.length === is.length) {
      for (const [nth, item] of was.entries()) compare(item, is[nth], [...path, String(nth)])
      return
    }
    // A field of the job that is empty is null there.
    if (is === null && path.length === 1 && path[0] !== 'payload') found.unset.push(path)
    else found.set.push({ path, json: JSON.stringify(is) })
    condition(was, path)
  }

  /** Nobody can tell whether a masked value is still the same. */
  function condition(was: unknown, path: readonly string[]): void {
    const json = JSON.stringify(was)
    if (!json.includes(mask)) found.if.push({ path, json })
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** One value that somebody sets in many jobs. */
export interface EditRow {
  path: string
  how: 'text' | 'json' | 'unset'
  value: string
}

/** The same as a request; rows without a path are left out. */
export function editsOfRows(rows: readonly EditRow[]): Edits {
  const given = rows.filter(({ path }) => path.trim() !== '')
  const isField = (path: string) => editable.some((name) => name === path)
  return {
    unset: given.filter(({ how }) => how === 'unset').map(({ path }) => path.trim()),
    set: given
      .filter(({ how }) => how !== 'unset')
      .map(({ path, how, value }) => ({
        path: path.trim(),
        json: how === 'json' || (isField(path.trim()) && /^\d+$/.test(value)) ? value : JSON.stringify(value),
      })),
    if: [],
  }
}

/** The flags of the same edit; undefined where a name of a path has a dot. */
export function editWords({ set, unset, if: conditions }: Edits): string[] | undefined {
  const text = (path: Path) => (typeof path === 'string' ? path : path.join('.'))
  const all = [...set.map(({ path }) => path), ...unset]
  if (all.some((path) => typeof path !== 'string' && path.some((name) => name.includes('.')))) return undefined
  // The command line compares with texts alone.
  const isPlain = conditions.every(({ json }) => json.startsWith('"'))
  if (!isPlain) return undefined
  return [
    ...set.flatMap(({ path, json }) => ['--set-json', `${text(path)}=${json}`]),
    ...unset.flatMap((path) => ['--unset', text(path)]),
    ...conditions.flatMap(({ path, json }) => ['--if', `${text(path)}=${String(JSON.parse(json))}`]),
  ]
}

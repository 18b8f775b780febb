import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { faultsOfIssue } from '../../../shared/faults.ts'
import { type Rule, Rules } from '../../../shared/policy/rule.ts'
import { days, seconds } from '../../text/duration.ts'
import { nearestName } from '../../text/nearest-name.ts'

type Path = readonly (string | number)[]

/** A fault of the file: where, and what is wrong there. */
interface FileFault {
  path: Path
  message: string
  /** The fault is about a key, not about its value. */
  key?: boolean
}

const shared = ['at', 'time_zone', 'max', 'mode', 'approval_above']
const ofFile = [...shared, 'rules']
const ofRule = ['domain', 'queue', 'job_type', 'all', 'prune', 'sweep', ...shared]

/** The names in the file of what the API names otherwise: a file has durations with their units. */
const ofChange = {
  prune: { status: 'statuses', older_than: 'older_than_days' },
  sweep: { age: 'age_seconds', runtime: 'runtime_seconds', action: 'action' },
} as const
const readers: Readonly<Record<string, (text: string, name: string) => number>> = {
  older_than: days,
  age: seconds,
  runtime: seconds,
}

const defaults = { time_zone: 'UTC', max: 10_000, mode: 'apply' }

export const sentenceOf = ({ path, message }: FileFault): string =>
  path.length === 0 ? message : `${path.join('.')}: ${message}`

type Read = { faults: FileFault[] } & ({ rules: Rule[] } | object)

/** The rules of a file as the API has them, or every fault. */
export function rulesOf(file: unknown): Read {
  if (!(file instanceof Map)) return { faults: [{ path: [], message: 'must be a map with rules, such as rules: {}' }] }
  const faults = unknownKeys(file, [], ofFile)
  const rules: unknown = file.get('rules')
  if (!(rules instanceof Map))
    return { faults: [...faults, { path: ['rules'], message: 'must be a map of rules by their names; {} for none' }] }
  const names = [...rules.keys()].map(String)
  const wire = names.map((name) => ruleOf(file, name, rules.get(name), faults))
  const read = Rules.safeParse(wire, { reportInput: true })
  if (faults.length === 0 && read.success) return { faults, rules: read.data }
  const more = read.success ? [] : read.error.issues.map((issue) => faultOfRule(issue, { file, names }))
  // The first fault of a value is enough: what else the schema says of it follows from it.
  const first = new Map([...faults, ...more].toReversed().map((fault) => [fault.path.join('\n'), fault]))
  return { faults: [...first.values()] }
}

/** A rule with the names of the API. What is wrong with it and the schema cannot see is added to `faults`. */
function ruleOf(file: Map<unknown, unknown>, name: string, rule: unknown, faults: FileFault[]): unknown {
  const at = ['rules', name]
  if (!(rule instanceof Map)) {
    faults.push({ path: at, message: 'must be a map, such as domain: chatbooks' })
    return undefined
  }
  faults.push(...unknownKeys(rule, at, ofRule))
  const given = shared.map((key) => [key, rule.has(key) ? rule.get(key) : file.get(key)])
  const fields = new Map<string, unknown>([['name', name], ...Object.entries(defaults)])
  for (const [key, value] of [...given, ...rule])
    if (value !== undefined && ofRule.includes(key)) fields.set(key, value)
  for (const kind of ['prune', 'sweep'] as const)
    if (rule.has(kind)) fields.set(kind, changeOf(kind, rule.get(kind), { at, faults }))
  return Object.fromEntries(fields)
}

interface Within {
  at: string[]
  faults: FileFault[]
}

function changeOf(kind: keyof typeof ofChange, change: unknown, { at, faults }: Within): unknown {
  const path = [...at, kind]
  if (!(change instanceof Map)) {
    faults.push({ path, message: `must be a map, such as ${kind === 'prune' ? 'older_than: 30d' : 'age: 2d'}` })
    return undefined
  }
  faults.push(...unknownKeys(change, path, Object.keys(ofChange[kind])))
  const known = Object.entries(ofChange[kind]).filter(([name]) => change.has(name))
  return Object.fromEntries(
    known.map(([name, field]) => [field, lengthOf(name, change.get(name), { at: [...path, name], faults })]),
  )
}

/** A duration as a number; other values as they are. */
function lengthOf(name: string, value: unknown, { at, faults }: Within): unknown {
  const read = readers[name]
  if (!read) return value
  try {
    if (typeof value !== 'string' || !/[a-z]$/i.test(value))
      throw new Failure('usage', `${name}: must have a unit, such as 30d`)
    return read(value, name)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    faults.push({ path: at, message: error.message.replace(`${name}: `, '') })
    return undefined
  }
}

function unknownKeys(map: ReadonlyMap<unknown, unknown>, at: Path, known: readonly string[]): FileFault[] {
  return [...map.keys()]
    .map(String)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const near = nearestName(key, known, 3)
      const meant = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`
      return { path: [...at, key], message: `is not known; ${meant}`, key: true }
    })
}

interface Origin {
  file: ReadonlyMap<unknown, unknown>
  names: readonly string[]
}

/** A fault of the API's rules with the names of the file. */
function faultOfRule(issue: z.core.$ZodIssue, { file, names }: Origin): FileFault {
  const [index, ...rest] = issue.path
  const name = typeof index === 'number' ? names[index] : undefined
  const [fault] = faultsOfIssue(issue)
  if (name === undefined) return { path: ['rules'], message: fault?.message ?? issue.message }
  const path = rest.map((step) => (typeof step === 'number' ? step : nameInFile(String(step))))
  const [field] = path
  const isName = field === 'name'
  const isDefault = typeof field === 'string' && shared.includes(field) && file.has(field) && !hasOwn(file, name, field)
  const message = textOf(issue, fault?.message ?? issue.message)
  return { path: isDefault ? path : ['rules', name, ...(isName ? [] : path)], message, key: isName }
}

const hasOwn = (file: ReadonlyMap<unknown, unknown>, name: string, field: string): boolean => {
  const rules = file.get('rules')
  const rule: unknown = rules instanceof Map ? rules.get(name) : undefined
  return rule instanceof Map && rule.has(field)
}

const wireNames = new Map<string, string>(
  Object.values(ofChange).flatMap((fields) =>
    Object.entries(fields).map(([name, field]): [string, string] => [field, name]),
  ),
)
const nameInFile = (field: string): string => wireNames.get(field) ?? field

/** A number, a switch or nothing where a text belongs is what YAML makes of a text without quotes. */
function textOf(issue: z.core.$ZodIssue, message: string): string {
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'is required'
  const named = message.replaceAll(/\b(?:older_than_days|age_seconds|runtime_seconds)\b/g, nameInFile)
  const wantsText = issue.code === 'invalid_type' && issue.expected === 'string' && issue.input !== undefined
  if (wantsText && issue.input === null) return 'must not be empty'
  return wantsText ? 'must be a text: put it in quotes' : named
}

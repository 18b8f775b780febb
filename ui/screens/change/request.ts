import { flagWords } from '../../../shared/text/shell.ts'
import { readJobId } from '../../../shared/work/job-key.ts'
import type { Fields } from '../../api/call.ts'
import { scopeNames } from '../../state/address.ts'
import { filterFields, filterIn } from '../jobs/filter-bar.tsx'
import { type ChangeKind, type ChangeOption, optionFields, optionIn } from './kinds.ts'

/** How many jobs go first. It is no field of the preview, which is of all jobs. */
export const canaryOption: ChangeOption = {
  name: 'canary',
  label: 'Jobs that go first',
  flag: '--canary',
  type: 'number',
}

/**
 * How many jobs go first, by the address; undefined for all at once. What is no such number goes to the server as it is, which refuses it:
 * a slip of the pen must not mean all jobs.
 */
export function canaryIn({ hasCanary }: ChangeKind, params: URLSearchParams): number | string | undefined {
  const text = optionIn(params, canaryOption)
  if (!hasCanary || text === '') return undefined
  return Number.isFinite(Number(text)) ? Number(text) : text
}

const listNames = new Set(['ids', 'status'])
const numbers = new Set(['min_retries'])

/** A field of the filter as a body has it, and not as a query has it. */
function bodyValue(name: string, text: string): unknown {
  if (name === 'ids') return text.split(',').map((id) => readJobId(id) ?? id)
  if (listNames.has(name)) return text.split(',')
  if (name === 'stale') return text === 'true'
  return numbers.has(name) && /^\d+$/.test(text) ? Number(text) : text
}

/** The fields of a change by the address of its screen: its filter and its options. */
export function changeFields(kind: ChangeKind, params: URLSearchParams): Fields {
  const { status, ...filter } = filterIn(params)
  const fields = Object.fromEntries(Object.entries(filter).map(([name, text]) => [name, bodyValue(name, text)]))
  return {
    ...(kind.hasAll && Object.keys(filter).length === 0 && { all: true }),
    ...fields,
    ...(status !== undefined && kind.status && { [kind.status]: status.split(',') }),
    ...optionFields(kind, params),
  }
}

/**
 * The same change as words of the command line, without its confirmation; undefined where the command line has no flag for a part of it.
 * @param command its command, such as `retry`
 */
export function commandWords(command: string, kind: ChangeKind, params: URLSearchParams): string[] | undefined {
  const filter = filterIn(params)
  // A command that is given ids takes no scope beside them, but for the domain, and requeue not even that.
  const refused = scopeNames.filter((name) => name !== 'domain' || command === 'requeue')
  if (filter.ids !== undefined && refused.some((name) => filter[name] !== undefined)) return undefined
  const words: string[] = ['jobsctl', command]
  for (const [name, value] of Object.entries(filter)) {
    const field = filterFields.find((one) => one.name === name)
    if (field?.flag === undefined || (name === 'ids' && !kind.hasAll) || (name === 'status' && !kind.status))
      return undefined
    words.push(...filterWords(name, field.flag, value))
  }
  if (!isNarrowed(kind, filter)) words.push('--all')
  for (const option of kind.options) {
    const value = optionIn(params, option)
    if (value === '' || (option.type === 'switch' && value === (option.preset ?? 'false'))) continue
    words.push(...optionWords(option, value))
  }
  const canary = canaryIn(kind, params)
  if (canary !== undefined) words.push(...flagWords(canaryOption.flag, String(canary)))
  return words
}

/** True where the command line takes the filter without `--all`: changes that have always taken a scope need one. */
function isNarrowed({ hasAll }: ChangeKind, filter: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(filter)
  return hasAll ? names.some((name) => name !== 'status') : scopeNames.some((name) => names.includes(name))
}

function optionWords({ flag, type, inWords, ofZero }: ChangeOption, value: string): string[] {
  if (type === 'switch') return [flag]
  return value === '0' && ofZero ? [ofZero] : flagWords(flag, inWords?.(value) ?? value)
}

function filterWords(name: string, flag: string, value: string): string[] {
  if (name === 'ids') return value.split(',')
  return name === 'stale' && value === 'true' ? [flag] : flagWords(flag, value)
}

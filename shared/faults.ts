import type { z } from 'zod'
import type { Fault } from './errors.ts'

/**
 * The issues of zod as faults, with one fault for each unknown field, and one where two issues say the same. Values are not
 * repeated, because they may be long or secret.
 */
export function faultsOf(error: z.ZodError): Fault[] {
  const faults = error.issues.flatMap(faultsOfIssue)
  return [...new Map(faults.map((fault) => [`${fault.path}\n${fault.message}`, fault])).values()]
}

/** The faults of one issue. */
export function faultsOfIssue(issue: z.core.$ZodIssue): Fault[] {
  const at = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...at, key].join('.'), message: 'is not a known field' }))
  }
  return [{ path: at.join('.'), message: messageOf(issue) }]
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type' || !issue.message.startsWith('Invalid input')) return issue.message
  return issue.input === undefined ? 'is required' : `must be ${named(issue.expected)}`
}

const named = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

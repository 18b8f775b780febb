import { type FailureCode, failures, type Problem } from '../../../shared/errors.ts'
import type { Caller } from '../../auth/authenticate.ts'
import { cleanText } from './texts.ts'

/** Errors whose words are about the request and the caller alone. The words of others may be those of the database, or of other people. */
const told: ReadonlySet<FailureCode> = new Set<FailureCode>([
  ...([
    'malformed_json',
    'malformed_request',
    'unauthenticated',
    'forbidden',
    'not_found',
    'method_not_allowed',
  ] as const),
  ...(['conflict', 'events_reset', 'events_expired', 'too_large', 'unsupported_media_type', 'misdirected'] as const),
  ...([
    'invalid_request',
    'not_supported',
    'preview_incomplete',
    'rate_limited',
    'database_busy',
    'shutting_down',
  ] as const),
  ...(['confirmation_required', 'records_missing', 'limit_exceeded'] as const),
])

/**
 * What an agent gets of an error: its code and its words, where these have no name that the agent does not get.
 * @param names the names in the request whose pseudonyms the agent sent
 */
export function problemForAgent(problem: Problem, caller: Caller, names: readonly string[]): Problem {
  const { agent, id, principal } = caller
  // A token of role agent is the agent's own; the one behind a session is a person's.
  const ofPerson = agent?.session === undefined ? [] : [id, agent.name]
  const hidden = [...names, ...ofPerson, principal, agent?.of ?? ''].filter((name) => name !== '')
  const isTold = (text: string) => told.has(problem.code) && !hidden.some((name) => hasName(text, name))
  const { detail, hint, errors, ...others } = problem
  const faults = errors?.filter(({ path, message }) => isTold(path) && isTold(message))
  return {
    ...others,
    detail: isTold(detail) ? cleanText(detail) : wordless(problem.code),
    ...(hint !== undefined && isTold(hint) && { hint: cleanText(hint) }),
    ...(faults &&
      faults.length > 0 && { errors: faults.map((fault) => ({ ...fault, message: cleanText(fault.message) })) }),
  }
}

/** True where a text has the name as words of its own. */
function hasName(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const [before = ' ', after = ' '] = [text[at - 1], text[at + name.length]]
    if (!isLetter(before) && !isLetter(after)) return true
  }
  return false
}

const isLetter = (character: string): boolean => /[\p{L}\p{N}_]/u.test(character)

const wordless = (code: FailureCode): string =>
  `the call ended with ${code} (HTTP ${failures[code].status}); an agent gets no words of this error; nothing was changed`

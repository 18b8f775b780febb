import type { Fault } from '../../shared/errors.ts'
import { problemOf as readProblem } from '../../shared/problem.ts'
import { inWordsOf } from '../../shared/words-of-clients.ts'

/** Why a call failed, as the server says it (RFC 9457), or why there is no answer. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string
  readonly hint: string | undefined
  readonly faults: readonly Fault[]
  readonly requestId: string | undefined
  /** Further fields of this code, such as `dependents_elsewhere`. */
  readonly fields: Readonly<Record<string, unknown>>

  constructor(body: Readonly<Record<string, unknown>>, status: number) {
    const { detail, code, hint, faults, requestId } = readProblem(body)
    super(wordsOf(detail) ?? `the server answered ${status} without saying why`)
    this.status = status
    this.code = code ?? 'unexpected_answer'
    this.hint = wordsOf(hint)
    this.faults = faults
    this.requestId = requestId
    this.fields = body
  }
}

/**
 * What to do where it is not known whether a call did anything.
 * @param headers those of the call: a change is confirmed, and one with a key is made once
 */
export function hintOfUnknown(headers: Readonly<Record<string, string>> = {}): string {
  if ('Idempotency-Key' in headers)
    return 'What the call would have changed may have been changed, or not. Look for the change: its record says so.'
  return 'X-Confirm' in headers ? 'It may have been done, or not: look before you try again.' : 'Try again.'
}

/** The statuses of answers that say nothing about what was asked, those of a proxy among them. */
const passing = [429, 502, 503, 504]
/** The codes of calls without an answer, or without the end of it. */
const unanswered = ['unreachable', 'outcome_unknown']

/** True where the same call may be answered a moment later: the server is away or busy. The database refuses until somebody mends it. */
export const isPassing = ({ status, code, fields }: Problem): boolean =>
  (passing.includes(status) || unanswered.includes(code)) && !fields.refused_by_database

/** The same problem of a call that the page makes again by itself. */
export const askedAgain = (problem: Problem): Problem =>
  new Problem({ ...problem.fields, hint: asksAgain }, problem.status)

const asksAgain = 'This page asks again by itself.'

/** The problem of a call that got no answer. */
export const unreachable = (headers?: Readonly<Record<string, string>>): Problem =>
  new Problem({ code: 'unreachable', detail: 'The server does not answer.', hint: hintOfUnknown(headers) }, 0)

/** Anything that was thrown, as a problem. */
export const problemOf = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : new Problem({ code: 'unexpected_answer', detail: error instanceof Error ? error.message : String(error) }, 0)

/** A sentence of the server, in words of this page. */
const wordsOf = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : inWordsOf('page', text)

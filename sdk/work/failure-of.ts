import type { Finish } from './finisher.ts'
import { JobFailure } from './job-failure.ts'
import { storable } from './storable.ts'

export type Failure = Pick<
  Extract<Finish, { action: 'fail' }>,
  'error' | 'error_code' | 'error_class' | 'error_stack' | 'retryable' | 'backoff_seconds'
>

/** The longest that a server takes. */
const mostBackoffSeconds = 3600

/** What is sent of what a handler has thrown. It never throws, whatever that is: its job would have no end. */
export function failureOf(thrown: unknown): Failure {
  const name = textOf(thrown, 'name') || 'Error'
  const stack = textOf(thrown, 'stack')
  return {
    error: storable(textOf(thrown, 'message') ?? wholeText(thrown), 10_000, storable(name, 256, 'Error')),
    error_class: storable(name, 256, 'Error'),
    ...(stack !== undefined && { error_stack: storable(stack, 10_000, '') }),
    ...read(() => (thrown instanceof JobFailure ? wishesOf(thrown) : undefined)),
  }
}

/** A code is sent of a `JobFailure` alone: errors of the system have one, too, such as ECONNREFUSED, and a code counts towards quarantine. */
function wishesOf({ code, retryable, backoffSeconds }: JobFailure): Partial<Failure> {
  const error_code = typeof code === 'string' ? storable(code, 128, '') : ''
  return {
    ...(error_code !== '' && { error_code }),
    retryable: Boolean(retryable),
    ...(Number.isFinite(backoffSeconds) && {
      backoff_seconds: Math.min(mostBackoffSeconds, Math.max(0, Number(backoffSeconds))),
    }),
  }
}

/** A text that an error has, or another object that a program throws as one; undefined where it has none. */
const textOf = (thrown: unknown, field: string): string | undefined =>
  read(() => {
    const value: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, field) : undefined
    return typeof value === 'string' ? value : undefined
  })

const wholeText = (thrown: unknown): string => read(() => String(thrown)) ?? ''

/** What `look` finds; undefined where looking throws. */
function read<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

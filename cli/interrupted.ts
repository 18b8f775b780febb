import { Failure } from '../shared/errors.ts'

/** The failure of a command that a signal ended; `outcome` says what is known of a change. */
export function interrupted(signal: AbortSignal, outcome = ''): Failure {
  const code = signal.reason === 'SIGTERM' ? 'terminated' : 'interrupted'
  return new Failure(code, `interrupted${outcome}`)
}

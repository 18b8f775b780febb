import { Failure } from '../shared/errors.ts'

/** The failure that a signal means. */
export function interrupted(signal: AbortSignal, unsure = ''): Failure {
  const code = signal.reason === 'SIGTERM' ? 'terminated' : 'interrupted'
  return new Failure(code, `interrupted${unsure}`)
}

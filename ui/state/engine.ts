import { signal } from '@preact/signals'
import type { z } from 'zod'
import type { showEngine } from '../../shared/engine/engine.ts'
import type { Verb } from '../../shared/engine/verbs.ts'
import type { JobId } from '../../shared/work/job-key.ts'

type Engine = z.output<typeof showEngine.output>['engines'][number]

/** The engines whose jobs the server works on, as far as the caller sees them; none until the server has said so. */
export const engines = signal<readonly Engine[]>([])

/**
 * Why no engine can do any of this, with what to do instead; undefined where one can. What no engine can, no screen offers.
 * @param verbs what stands behind one control: one of them is enough
 */
export const lackOf = (...verbs: readonly Verb[]): string | undefined =>
  lackIn((verb) => verbs.some((one) => one === verb))

/** The same for a kind of change: `cancel` has the verbs `cancel_queued` and `cancel_running`. */
export const lackOfChange = (kind: string): string | undefined =>
  lackIn((verb) => verb === kind || verb.startsWith(`${kind}_`))

function lackIn(isAsked: (verb: string) => boolean): string | undefined {
  const answers = engines.value.flatMap(({ verbs }) =>
    Object.entries(verbs).flatMap(([verb, answer]) => (isAsked(verb) ? [answer] : [])),
  )
  const [first] = answers
  if (first === undefined || answers.includes(true)) return undefined
  return first === true ? undefined : first
}

/** True where an engine can do one of these. */
export const can = (...verbs: readonly Verb[]): boolean => lackOf(...verbs) === undefined

/** Why no job can be changed, with what to do; undefined where changes are made. */
export function whyOnlyLooking(): string | undefined {
  const [first] = engines.value
  if (!first || engines.value.some(({ changes }) => changes === true)) return undefined
  return first.changes === true ? undefined : first.changes
}

/** Why a server with tables for changes makes none, or counts nothing: an engine has migrated, or row-level security hides rows. */
export const whyClosed = (): string[] =>
  engines.value
    .filter(({ mode }) => mode !== 'own')
    .flatMap(({ mode, changes, verbs }) => [
      ...(mode === 'admin' && changes !== true ? [changes] : []),
      ...(typeof verbs.stats === 'string' ? [verbs.stats] : []),
    ])

/** The domain that a call about a job names beside its id: that of a key, where the server has jobs of several schemas. */
export const domainBeside = (id: JobId, domain: string | null | undefined): string | undefined =>
  typeof id === 'string' && engines.value.length > 1 && domain ? domain : undefined

import type { Code, Finding, Reason } from '../../../shared/explain/reason.ts'
import { type ExplainedJob, jobReasons, type ReasonText } from './job-reasons.ts'
import { queueReasons } from './queue-reasons.ts'

const texts: { [One in Code]: ReasonText<One> } = { ...jobReasons, ...queueReasons }

interface Situation {
  /** The time of the answer. */
  now: string
  /** Undefined for the reasons of a queue. */
  job?: ExplainedJob
}

/** Makes the reason of the wire from a finding, with the one sentence that every client shows. */
export function describeFinding<One extends Code>(
  { code, facts, remedy: refused }: Finding<One>,
  { now, job }: Situation,
): Reason {
  const { title, sentence, remedy, isLeast } = texts[code]
  return {
    code,
    title,
    sentence: sentence(facts, Date.parse(now), job),
    facts: { ...facts, ...(isLeast?.(facts) && { at_least: true }) },
    remedy: refused === null ? null : (remedy?.(facts, job) ?? null),
  }
}

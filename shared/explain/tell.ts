import { jobTellings } from './job-tellings.ts'
import { queueTellings } from './queue-tellings.ts'
import type { Code, Finding, Reason } from './reason.ts'
import type { ExplainedJob, Telling } from './telling.ts'

const tellings: { [One in Code]: Telling<One> } = { ...jobTellings, ...queueTellings }

interface Situation {
  /** The time of the answer. */
  now: string
  /** Undefined for the reasons of a queue. */
  job?: ExplainedJob
}

/** Tells a finding as a reason of the wire, with the one sentence that every client shows. */
export function tell<One extends Code>({ code, facts }: Finding<One>, { now, job }: Situation): Reason {
  const { title, sentence, remedy } = tellings[code]
  return {
    code,
    title,
    sentence: sentence(facts, Date.parse(now)),
    facts: { ...facts },
    remedy: remedy?.(facts, job) ?? null,
  }
}

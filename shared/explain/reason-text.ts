import type { Code, Facts, Remedy } from './reason.ts'

/** The job that is explained. */
export interface ExplainedJob {
  id: number
  domain: string
  queue: string
  job_type: string
}

/** The texts of a reason, and its remedy. */
export interface ReasonText<One extends Code> {
  title: string
  /** The sentence; `now` is the time of the answer, in milliseconds. */
  sentence: (facts: Facts[One], now: number) => string
  /** The call that removes the reason. Without it, no call of this API does. */
  remedy?: (facts: Facts[One], job: ExplainedJob | undefined) => Remedy | null
}

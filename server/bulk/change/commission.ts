import type { Accepted } from '../../../shared/changes/bulk-change.ts'
import type { Acting, Call, ChangeServer, Reporting, Requested } from '../../call.ts'
import type { Claimed } from './claim.ts'

/** A change that a second person has approved, as its record has it. */
export interface ApprovedPlan {
  plan: number
  digest: string
  /** Ids of callers. */
  author: string
  approver: string
  principals: { author: string; approver: string }
}

/** A plan that an agent made, and that a person applies, as its record has it. */
export interface ProposedPlan {
  plan: number
  digest: string
  /** The id of the caller that the agent was, and its session. */
  agent: string
  session: string | null
  client: string | null
  /** The name of the agent, and its person. */
  people: { agent: string; of: string }
}

/** What the previews of a plan are bound to in place of their caller, and for how many seconds. */
export interface PlanBinding {
  key: string
  seconds: number
}

/** A rule of the policy, and the most jobs of one run. */
export interface PolicyRun {
  rule: string
  most: number
}

/** Where the course of a change is told, and who may end it by leaving. */
type Course = Pick<Reporting, 'disconnected' | 'reportProgress' | 'reportChangedRows'>

/** Who has a change made, on whose authority, and within which limits. */
export interface Commission
  extends Acting,
    Course,
    Pick<Requested, 'requestId' | 'reason' | 'idempotencyKey'>,
    Partial<Pick<Requested, 'emergency' | 'detach'>> {
  by: 'caller' | 'plan' | 'policy' | 'taken over'
  /** The name of the token, under which servers before this version kept its keys and previews. */
  formerCaller?: string | undefined
  /** The approval of the plan, or of the policy. */
  approved?: ApprovedPlan | undefined
  /** The agent that made the plan, with or without an approval. */
  proposed?: ProposedPlan | undefined
  /** Set where a plan is made, shown or applied. */
  binding?: PlanBinding | undefined
  policy?: PolicyRun | undefined
  /** The operation that this server goes on with, since the server that began it is gone. */
  taken?: Claimed
}

/** What a description of a change may use beside its request. */
export type Terms = ChangeServer & Commission

/** What comes of a commission: the answer, or the operation of a change that goes on without its caller. */
export type Done<Answer> = { answer: Answer } | { accepted: Accepted }

const never = new AbortController().signal

/** The course of a change for which nobody waits. */
export const unattended: Course = {
  disconnected: () => never,
  reportProgress: () => {},
  reportChangedRows: () => {},
}

/** The commission of a request. */
export const byCaller = (call: Call): Commission => ({
  by: 'caller',
  caller: call.caller,
  identity: call.identity,
  may: call.may,
  within: call.within,
  formerCaller: call.formerCaller,
  requestId: call.requestId,
  reason: call.reason,
  idempotencyKey: call.idempotencyKey,
  emergency: call.emergency,
  detach: call.detach,
  disconnected: call.disconnected,
  reportProgress: call.reportProgress,
  reportChangedRows: call.reportChangedRows,
})

import * as z from 'zod'
import { CallerOutput, Editor, Session } from '../../../shared/access/caller.ts'
import { Opened } from '../../../shared/access/session.ts'
import { ShownScope, TokenScope } from '../../../shared/access/token-scope.ts'
import { NewToken, Role, Token } from '../../../shared/access/tokens.ts'
import {
  bulkAnswer,
  bulkFields,
  ForeignHolder,
  ForeignRows,
  Group,
  Preview,
  Progress,
} from '../../../shared/changes/bulk-change.ts'
import { Valued } from '../../../shared/changes/edit.ts'
import { fieldsBesideScope } from '../../../shared/changes/filtered-change.ts'
import { ChangedJobs, NotMatched } from '../../../shared/changes/named-ids.ts'
import { JobsRunAgain } from '../../../shared/changes/retry.ts'
import { Conflict, ConflictReason } from '../../../shared/changes/undo.ts'
import { IdleTrigger } from '../../../shared/doctor/idle-trigger.ts'
import { Reason, Remedy } from '../../../shared/explain/reason.ts'
import { Durations } from '../../../shared/history/history.ts'
import { Mark } from '../../../shared/history/marks.ts'
import { Attachment } from '../../../shared/jobs/attachments.ts'
import { PayloadValue, Status } from '../../../shared/jobs/job-filter.ts'
import { ListedJob } from '../../../shared/jobs/list.ts'
import { RelatedJob } from '../../../shared/jobs/show.ts'
import { Approval, Emergency } from '../../../shared/plans/approval.ts'
import { Plan, PlannedPreview, WholePlan } from '../../../shared/plans/plans.ts'
import { Policy, RuleState } from '../../../shared/policy/policy.ts'
import { Rule } from '../../../shared/policy/rule.ts'
import { SimulatedDay, SimulatedRule } from '../../../shared/policy/simulate.ts'
import { GroupStats } from '../../../shared/queues/stats.ts'
import { EventCursor } from '../../../shared/records/event-cursors.ts'
import { JobEvent } from '../../../shared/records/events.ts'
import { Hold } from '../../../shared/records/holds.ts'
import { OperationRecord } from '../../../shared/records/records.ts'
import { ScopeFilter } from '../../../shared/scope.ts'
import { NewJob } from '../../../shared/work/enqueue.ts'
import { Finished } from '../../../shared/work/finish.ts'
import { Job, LeasedJob } from '../../../shared/work/job.ts'
import { NotDone } from '../../../shared/work/lease-owner.ts'
import { Renewed, RenewItem } from '../../../shared/work/renew.ts'

interface NamedSchema {
  schema: z.ZodType
  meaning: string
  /** Of an input: what a caller sends. */
  sent?: true
}

/** What several calls have in common, and what it is. */
export const namedTypes: Record<string, NamedSchema> = {
  Approval: { schema: Approval, meaning: 'From how many jobs on a change needs an approval.' },
  Attachment: { schema: Attachment, meaning: 'A text or a URL that belongs to a job.' },
  Caller: { schema: CallerOutput, meaning: 'Who calls, and what it may do.' },
  CallerLimits: {
    schema: CallerOutput.shape.limits.unwrap().unwrap(),
    meaning: 'The limits of a caller to changes of many jobs.',
  },
  ChangedJobs: { schema: ChangedJobs, meaning: 'What a change of many jobs has done, or would do.' },
  Conflict: { schema: Conflict, meaning: 'A job that an undo leaves, and why.' },
  Durations: { schema: Durations, meaning: 'How long jobs took.' },
  Emergency: {
    schema: Emergency,
    meaning: 'An operation without the approval that it needed, which waits for a review.',
  },
  Editor: { schema: Editor, meaning: 'A live token that may edit payloads.' },
  EventCursor: { schema: EventCursor, meaning: 'The last event that a reader has dealt with, kept under a name.' },
  Finished: { schema: Finished, meaning: 'How an attempt ended.' },
  ForeignHolder: { schema: ForeignHolder, meaning: 'A table whose rows forbid that jobs are deleted.' },
  ForeignRows: { schema: ForeignRows, meaning: 'Rows of another table that change with the jobs.' },
  Group: { schema: Group, meaning: 'Jobs of the same domain, queue, job type and status.' },
  GroupStats: { schema: GroupStats, meaning: 'The counts of a domain, queue and job type.' },
  Hold: { schema: Hold, meaning: 'A hold, which keeps jobs until a time.' },
  IdleTrigger: { schema: IdleTrigger, meaning: 'A trigger of the server that does not fire.' },
  Job: { schema: Job, meaning: 'A job with the names of its columns. Times are ISO 8601 in UTC.' },
  JobEvent: { schema: JobEvent, meaning: 'A step of a job, or an act of an operator.' },
  JobsRunAgain: { schema: JobsRunAgain, meaning: 'What a change has done that makes jobs run again, or would do.' },
  JobState: { schema: Status, meaning: 'The state of a job.', sent: true },
  LeasedJob: { schema: LeasedJob, meaning: 'A job as its worker gets it.' },
  ListedJob: { schema: ListedJob, meaning: 'A job of a list.' },
  Mark: { schema: Mark, meaning: 'What an operator said about a moment, such as a deployment.' },
  NewJob: { schema: NewJob, meaning: 'A job to enqueue.', sent: true },
  NewToken: { schema: NewToken, meaning: 'A token with the only copy of its secret.' },
  NotDone: { schema: NotDone, meaning: 'A job of many whose call failed.' },
  NotMatched: { schema: NotMatched, meaning: 'A job that a request names and that does not match, with its state.' },
  OpenedSession: { schema: Opened, meaning: 'A caller with a browser session.' },
  OperationRecord: { schema: OperationRecord, meaning: 'The record of a change of many jobs, or of an act.' },
  PayloadValue: { schema: PayloadValue, meaning: 'A value in a payload, and the names that lead to it.', sent: true },
  Plan: { schema: Plan, meaning: 'A change that waits for a second person.' },
  Policy: { schema: Policy, meaning: 'The policy that is applied.' },
  PlannedPreview: { schema: PlannedPreview, meaning: 'What the change of a plan would affect.' },
  Preview: { schema: Preview, meaning: 'What a change would affect.' },
  Progress: { schema: Progress, meaning: 'How far a change of many jobs is.' },
  PrunableState: {
    schema: Rule.shape.prune.unwrap().shape.statuses.element,
    meaning: 'A state that a job has ended in.',
  },
  Reason: { schema: Reason, meaning: 'A reason why jobs do not run.' },
  ReasonCount: { schema: ConflictReason, meaning: 'A reason, and the number of its jobs.' },
  RelatedJob: { schema: RelatedJob, meaning: 'A job at the other end of a dependency.' },
  Remedy: { schema: Remedy, meaning: 'The call that removes a reason.' },
  Renewed: { schema: Renewed, meaning: 'A renewed lease.' },
  RenewItem: { schema: RenewItem, meaning: 'A lease to renew.', sent: true },
  Role: { schema: Role, meaning: 'The role of a token.', sent: true },
  Rule: { schema: Rule, meaning: 'A change that servers make at its times.' },
  RulePrune: { schema: Rule.shape.prune.unwrap(), meaning: 'Which finished jobs a rule deletes.' },
  RuleState: { schema: RuleState, meaning: 'A rule with its next time and its last run.' },
  RuleSweep: { schema: Rule.shape.sweep.unwrap(), meaning: 'Which jobs a rule ends, and how.' },
  ScopeFilter: {
    schema: ScopeFilter,
    meaning: 'Which domain, queue and job type; one that is absent does not filter.',
    sent: true,
  },
  SentRule: { schema: Rule, meaning: 'A change that servers are to make at its times.', sent: true },
  Session: { schema: Session, meaning: 'A browser session, and when it ends.' },
  ShownScope: { schema: ShownScope, meaning: 'What a token is limited to.' },
  SimulatedDay: { schema: SimulatedDay, meaning: 'What a rule would have taken on one day.' },
  SimulatedRule: { schema: SimulatedRule, meaning: 'What a rule would have taken on each of the last days.' },
  Token: { schema: Token, meaning: 'A token without its secret.' },
  TokenScope: { schema: TokenScope, meaning: 'What a token is to be limited to.', sent: true },
  Valued: { schema: Valued, meaning: 'A path with the value that it is to have, or has.', sent: true },
  WholePlan: { schema: WholePlan, meaning: 'A plan with its request and its preview.' },
}

/** Types that inputs and answers of the client extend. They are no schema of OpenAPI, where an input is closed. */
export const baseTypes: Record<string, NamedSchema> = {
  ChangeAnswer: {
    schema: z.object(bulkAnswer),
    meaning: 'What the answer to a change of many jobs has beside its counts.',
  },
  ChangeOptions: { schema: z.object(bulkFields), meaning: 'How a change of many jobs is to be made.', sent: true },
  JobsFilter: {
    schema: z.object(fieldsBesideScope),
    meaning: 'Which jobs, within the scope; a field that is absent does not filter.',
    sent: true,
  },
}

import { type BulkKind, isBulkKind, kinds } from '../../../shared/changes/kinds.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { handledEndpoints } from '../../endpoints/handlers.ts'

/** An endpoint that a tool calls, as far as a tool knows it. */
export type Called = Pick<Endpoint, 'method' | 'path' | 'keyed' | 'output'>

/** How a tool turns the pages of its rows: by a header of the endpoint, by the id of a row, or by the position in the whole list. */
type Paging = 'link' | 'before_id' | 'position'

export interface Tool {
  name: string
  title: string
  /** When to use it, and what it answers, for the model that chooses. */
  when: string
  /** The endpoints that it calls, each with the name that its answer has in that of the tool; a single one may have none. */
  calls: readonly { as: string | undefined; endpoint: Called; fixed?: Readonly<Record<string, string>> }[]
  /** The field of its rows, and how it turns their pages. */
  rows?: { field: string; by: Paging }
  /** Fields of the endpoint that it does not take: those that an agent may not use, and those that it sets. */
  without?: readonly string[]
  /** Its answer begins with the warnings of `jobsctl doctor`. */
  warns?: true
  /** Set for a tool that previews or proposes a change. */
  change?: 'preview' | 'proposal'
}

/** The tools of an agent, each a layer over endpoints: what may be called, counted and seen is decided there. */
export const tools: readonly Tool[] = [
  {
    name: 'overview',
    title: 'What happens now',
    when: 'Begin here. What all queues do now, which of them fail, stand still or have no worker and since when, the changes that run, the plans that wait for a person, and the warnings of jobsctl doctor, each with what to do, with the reports that they are about: the state, sizes, counts and rights of the database, indexes that are missing or useless, and rules of the policy that did not run.',
    calls: [
      { as: undefined, endpoint: endpoints.overview },
      { as: 'plans', endpoint: endpoints.listPlans, fixed: { state: 'waiting', limit: '20' } },
      { as: 'missing_indexes', endpoint: endpoints.missingIndexes },
      { as: 'idle_indexes', endpoint: endpoints.idleIndexes },
      { as: 'database', endpoint: endpoints.storage },
      { as: 'policy', endpoint: endpoints.showPolicy },
    ],
    warns: true,
  },
  {
    name: 'list_jobs',
    title: 'Jobs of a filter',
    when: 'Use it to find jobs by queue, type, state, owner, worker, error code, cluster or time. One row for each job, the newest first.',
    calls: [{ as: 'jobs', endpoint: endpoints.listJobs }],
    rows: { field: 'jobs', by: 'link' },
    without: ['error'],
  },
  {
    name: 'show_job',
    title: 'One job',
    when: 'Use it for all that is known of one job: its times, attempts, error, dependencies and last events. Payload and result are never given.',
    calls: [{ as: undefined, endpoint: endpoints.showJob }],
    without: ['redact'],
  },
  {
    name: 'explain_job',
    title: 'Why a job does not run',
    when: 'Use it when one job waits or has ended: every reason at once, each with its facts, and its position in line.',
    calls: [{ as: undefined, endpoint: endpoints.explainJob }],
  },
  {
    name: 'explain_queue',
    title: 'Why a queue stands still',
    when: 'Use it when jobs of a queue wait: every reason at once why nothing runs, now or at a time in the past (at).',
    calls: [{ as: undefined, endpoint: endpoints.explainQueue }],
  },
  {
    name: 'failure_clusters',
    title: 'Failures by their cause',
    when: 'Use it when jobs fail: failures by state, error code and the pattern of the message, with counts, first and last time and sample ids. The id of a cluster is a filter of list_jobs and of changes.',
    calls: [{ as: undefined, endpoint: endpoints.failureClusters, fixed: { limit: '1000' } }],
    rows: { field: 'clusters', by: 'position' },
  },
  {
    name: 'history',
    title: 'What became of jobs over time',
    when: 'Use it to see when something began: created, completed, failed and waiting jobs in steps of time, with the marks of operators such as deployments.',
    calls: [{ as: undefined, endpoint: endpoints.history }],
    rows: { field: 'points', by: 'position' },
  },
  {
    name: 'events',
    title: 'The event log',
    when: 'Use it to see what happened to jobs and what operators did, the last events first; the cursor leads to earlier ones.',
    calls: [{ as: 'events', endpoint: endpoints.events, fixed: { skip_expired: 'true', partial: 'true' } }],
    rows: { field: 'events', by: 'before_id' },
    without: ['after_id'],
  },
  {
    name: 'workers',
    title: 'Who works',
    when: 'Use it to see which workers run jobs or ask for some, what they did in the last 15 minutes, and whose leases have expired.',
    calls: [{ as: 'workers', endpoint: endpoints.listWorkers }],
    rows: { field: 'workers', by: 'position' },
  },
  {
    name: 'operations',
    title: 'Changes on record',
    when: 'Use it to see what people and policies have changed, the last change first: kind, counts, state and times. The resource jobs://operations/{id} has one record.',
    calls: [{ as: 'operations', endpoint: endpoints.listOperations }],
    rows: { field: 'operations', by: 'before_id' },
  },
  {
    name: 'preview_change',
    title: 'What a change would do',
    when: 'Use it before every proposal. Counts what a change of many jobs would touch, by group, and says what no undo gives back; its digest goes into the proposal. It changes nothing.',
    calls: [{ as: undefined, endpoint: endpoints.previewPlan }],
    change: 'preview',
  },
  {
    name: 'propose_change',
    title: 'Propose a change to a person',
    when: 'Use it once a preview shows what you mean. Makes a plan that a person reads and decides; nothing changes until then. Answers the plan, the page where it is decided, and the commands that decide it. You can neither approve nor apply it.',
    calls: [{ as: 'plan', endpoint: endpoints.proposePlan }],
    change: 'proposal',
  },
  {
    name: 'plan_status',
    title: 'What became of a plan',
    when: 'Use it to see whether a plan waits, is approved, rejected or applied, and how many of its jobs still match.',
    calls: [{ as: 'plan', endpoint: endpoints.showPlan }],
  },
]

/** The kinds of changes that an agent may preview and propose, with the path of each: those that need no further right. */
export const proposedKinds: ReadonlyMap<BulkKind, string> = new Map(
  Object.keys(kinds)
    .filter(isBulkKind)
    .flatMap((kind): [BulkKind, string][] => {
      const [name] = kinds[kind].endpoints
      const { path, needs } = handledEndpoints[name]
      return kinds[kind].plannable && needs === 'change' ? [[kind, path]] : []
    }),
)

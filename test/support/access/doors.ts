import type * as endpoints from '../../../shared/endpoints.ts'

type Endpoints = typeof endpoints
/** The endpoints whose statements are narrowed to the scope of the caller: a new one does not compile without its door. */
export type NarrowedName = {
  [Name in keyof Endpoints]: Endpoints[Name]['scoped'] extends 'narrowed' ? Name : never
}[keyof Endpoints]

/** What a call names: a job, its queue, and its lease. */
export interface Place {
  /** Undefined for a call that names no domain. */
  domain: string | undefined
  id: number
  uuid: string
  /** An operation that has ended. */
  operation: number
  /** A plan that is approved; undefined where the test makes none. */
  plan?: number
}

/** How the tests call one endpoint, so that the call names a place. */
export interface Door {
  method: 'GET' | 'POST' | 'DELETE'
  path: (place: Place) => string
  body?: (place: Place) => object
  headers?: Record<string, string>
  /** Set for a door that needs a domain or a job, so that there is no call without one. */
  named?: true
  /** Set for a door whose answer has numbers alone. */
  nameless?: true
  /** The status of a call about a place outside; 200 where nothing is found there. */
  outside: number
}

const jobs = '/api/v1/jobs'
/** Two hours that are over. */
const range = `from=${new Date(Date.now() - 10_800_000).toISOString()}&to=${new Date(Date.now() - 3_600_000).toISOString()}`
const lease = { worker_id: 'w', lease_id: 'lease' }
const inDomain = (path: string) => (place: Place) =>
  `${path}${place.domain === undefined ? '' : `?domain=${place.domain}`}`
const read = (path: string): Door => ({ method: 'GET', path: inDomain(path), outside: 200 })
const finish = (action: string, more: object = {}): Door => ({
  method: 'POST',
  path: ({ id }) => `${jobs}/${id}/${action}`,
  body: () => ({ ...lease, ...more }),
  named: true,
  outside: 404,
})

const limits = (method: Door['method'], more: object = {}): Door => ({
  method,
  path: () => `${jobs}/sla/policy`,
  body: ({ domain }) => ({ domain, queue: 'q', job_type: 't', ...more }),
  named: true,
  outside: 403,
})

/** A dry run of a change of many jobs. */
const change = (path: string, fields: object = {}, whole: object = { all: true }): Door => ({
  method: 'POST',
  path: () => `${jobs}/${path}`,
  body: ({ domain }) => ({ dry_run: true, ...fields, ...(domain === undefined ? whole : { domain }) }),
  outside: 403,
})

const record = (path: string, more: Partial<Door> = {}): Door => ({
  method: 'GET',
  path: ({ operation }) => `${jobs}/operations/${operation}${path}`,
  named: true,
  outside: 404,
  ...more,
})

const plan = (path: string, more: Partial<Door> = {}): Door => ({
  method: 'GET',
  path: (place) => `${jobs}/plans/${place.plan}${path}`,
  named: true,
  outside: 404,
  ...more,
})
const decision: Partial<Door> = { method: 'POST', body: () => ({ digest: '0'.repeat(64) }) }

/** The call of each narrowed endpoint. */
export const doors: Record<NarrowedName, Door> = {
  stats: read(`${jobs}/stats`),
  statsStream: read(`${jobs}/stats/stream`),
  events: read(`${jobs}/events`),
  eventStream: read(`${jobs}/events/stream`),
  history: {
    method: 'GET',
    path: (place) => `${inDomain(`${jobs}/history`)(place)}${place.domain === undefined ? '?' : '&'}${range}`,
    outside: 200,
    nameless: true,
  },
  listJobs: read(`${jobs}/list`),
  showEngine: { method: 'GET', path: () => '/api/v1/engine', outside: 200, nameless: true },
  stoppedQueues: { method: 'GET', path: () => `${jobs}/queues`, outside: 200 },
  queueStatus: {
    method: 'GET',
    path: ({ domain }) => `${jobs}/queue/status?domain=${domain}&queue=q`,
    named: true,
    outside: 200,
  },
  controlQueue: {
    method: 'POST',
    path: () => `${jobs}/queue/control`,
    body: ({ domain }) => ({ domain, queue: 'q', action: 'pause', reason: 'because' }),
    named: true,
    outside: 403,
  },
  throttleQueue: {
    method: 'POST',
    path: () => `${jobs}/queue/throttle`,
    body: ({ domain }) => ({ domain, queue: 'q', running: 5, reason: 'because' }),
    named: true,
    outside: 403,
  },
  jobByKey: {
    method: 'GET',
    path: ({ domain }) => `${jobs}/by-key?domain=${domain}&queue=q&job_type=t&idempotency_key=key`,
    named: true,
    outside: 404,
  },
  showJob: { method: 'GET', path: ({ id }) => `${jobs}/${id}`, named: true, outside: 404 },
  listAttachments: { method: 'GET', path: ({ id }) => `${jobs}/${id}/attachments`, named: true, outside: 404 },
  addAttachment: {
    method: 'POST',
    path: ({ id }) => `${jobs}/${id}/attachments`,
    body: () => ({ kind: 'log', content_text: 'text' }),
    named: true,
    outside: 404,
  },
  cancel: {
    method: 'POST',
    path: ({ id }) => `${jobs}/${id}/cancel`,
    body: () => ({ force: true }),
    named: true,
    outside: 404,
  },
  enqueue: {
    method: 'POST',
    path: () => jobs,
    body: ({ domain, uuid }) => ({ domain, queue: 'q', job_type: 't', payload: {}, depends_on: [uuid] }),
    named: true,
    outside: 403,
  },
  enqueueBatch: {
    method: 'POST',
    path: () => `${jobs}/batch`,
    body: ({ domain }) => ({ jobs: [{ domain, queue: 'q', job_type: 't', payload: {} }] }),
    named: true,
    outside: 403,
  },
  acquire: {
    method: 'POST',
    path: () => `${jobs}/acquire`,
    body: ({ domain }) => ({ domain, queue: 'q', worker_id: 'w' }),
    named: true,
    outside: 403,
  },
  leasedJob: {
    method: 'POST',
    path: ({ id }) => `${jobs}/${id}/leased`,
    body: () => ({ lease_id: lease.lease_id }),
    named: true,
    outside: 404,
  },
  cancelRequests: {
    method: 'POST',
    path: () => `${jobs}/cancel_requests`,
    body: () => ({ worker_id: lease.worker_id }),
    nameless: true,
    outside: 200,
  },
  renew: finish('renew'),
  renewMany: {
    ...finish(''),
    path: () => `${jobs}/renew`,
    body: ({ id }) => ({ jobs: [{ id, ...lease }] }),
    outside: 200,
  },
  complete: finish('complete'),
  fail: finish('fail', { error: 'e' }),
  release: finish('release'),
  failureClusters: read(`${jobs}/clusters`),
  clusterTimes: {
    method: 'GET',
    path: (place) =>
      `${inDomain(`${jobs}/clusters/times`)(place)}${place.domain === undefined ? '?' : '&'}clusters=v2-0123456789ab`,
    outside: 200,
    nameless: true,
  },
  listWorkers: read(`${jobs}/workers`),
  overview: read(`${jobs}/overview`),
  queueMinutes: {
    method: 'GET',
    path: ({ domain }) => `${jobs}/overview/minutes?queues=${encodeURIComponent(JSON.stringify([[domain, 'q']]))}`,
    named: true,
    outside: 200,
  },
  explainJob: { method: 'GET', path: ({ id }) => `${jobs}/${id}/explain`, named: true, outside: 404 },
  explainQueue: {
    method: 'GET',
    path: ({ domain }) => `${jobs}/queues/explain?domain=${domain}&queue=q`,
    named: true,
    outside: 404,
  },
  scale: {
    method: 'GET',
    path: ({ domain }) => `${jobs}/scale?domain=${domain}&queue=q`,
    named: true,
    outside: 200,
  },
  staleQueues: read(`${jobs}/stale`),
  listSlaPolicies: read(`${jobs}/sla/policies`),
  listSlaBreaches: read(`${jobs}/sla/breaches`),
  setSlaPolicy: limits('POST', { max_duration_seconds: 60 }),
  deleteSlaPolicy: limits('DELETE'),
  listOperations: read(`${jobs}/operations`),
  getOperation: record(''),
  followOperation: record('/progress'),
  listConflicts: record('/conflicts'),
  stopOperation: record('/stop', { method: 'POST', body: () => ({}) }),
  keepOperation: record('/keep', { method: 'POST', body: () => ({ until: new Date(Date.now() + 86_400_000) }) }),
  undo: record('/undo', { method: 'POST', body: () => ({ dry_run: true }) }),
  listArchive: read(`${jobs}/archive/list`),
  archiveMeta: { method: 'GET', path: ({ id }) => `${jobs}/archive/meta?job_id=${id}`, named: true, outside: 404 },
  prune: change('prune', { older_than_days: 1 }, {}),
  sweep: change('ttl/sweep', { age_seconds: 1, runtime_seconds: 1 }, {}),
  requeue: { ...change('batch/requeue_quarantined'), named: true },
  integrity: { ...change('integrity/sweep'), body: ({ domain }) => ({ domain }) },
  cancelBatch: change('batch/cancel'),
  retry: change('batch/retry'),
  redrive: { ...change('redrive'), outside: 422 },
  reclaim: change('batch/reclaim'),
  reschedule: change('batch/reschedule', { by_seconds: 60 }),
  rescheduleShift: change('reschedule', { set_now: false, delta_seconds: 60 }),
  setPriority: change('batch/priority', { priority: 1 }),
  edit: change('batch/edit', { set: [{ path: 'payload.x', value: 1 }] }),
  proposePlan: {
    method: 'POST',
    path: () => `${jobs}/plans`,
    body: ({ domain }) => ({ path: `${jobs}/prune`, request: { domain } }),
    headers: { 'x-reason': 'because' },
    named: true,
    outside: 403,
  },
  previewPlan: {
    method: 'POST',
    path: () => `${jobs}/plans/preview`,
    body: ({ domain }) => ({ path: `${jobs}/prune`, request: { domain } }),
    named: true,
    outside: 403,
  },
  listPlans: { method: 'GET', path: () => `${jobs}/plans`, outside: 200 },
  showPlan: plan(''),
  approvePlan: plan('/approve', decision),
  rejectPlan: plan('/reject', decision),
  applyPlan: plan('/apply', { method: 'POST', body: () => ({}), headers: { 'x-confirm': 'true' } }),
  finishMany: {
    ...finish(''),
    path: () => `${jobs}/finish`,
    body: ({ id }) => ({ jobs: [{ id, action: 'complete', ...lease }] }),
    outside: 200,
  },
}

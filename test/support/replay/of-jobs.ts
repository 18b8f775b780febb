import { fault, get, type Row, scope, send, strict } from './row.ts'
import type { Shape } from './shape.ts'

const group = { domain: 'string', queue: 'string', job_type: 'string' } as const

const job: Shape = {
  ...{ id: 'int', uuid: 'string?', ...group, status: 'string', priority: 'int?', retry_count: 'int?' },
  ...{ max_retries: 'int?', available_at: 'time?', created_at: 'time?', acquired_at: 'time?', started_at: 'time?' },
  ...{ leased_until: 'time?', completed_at: 'time?' },
}
const attachment: Shape = {
  ...{ id: 'int', kind: 'string', content_text: 'string?', url: 'string?', created_at: 'time' },
}
const policy: Shape = {
  ...{ ...group, max_queue_latency_seconds: 'int?', max_duration_seconds: 'int?', enabled: 'bool', updated_at: 'time' },
}

/** Reads of jobs, and what belongs to a job or a group. */
export const ofJobs: readonly Row[] = [
  {
    route: 10,
    what: 'list',
    call: get('/list?domain=chatbooks'),
    shape: [job],
    answer: 'superset',
    body: { length: 100 },
  },
  {
    ...{ route: 10, what: 'list, the newest first', call: get('/list?limit=2&queue=default') },
    ...{ answer: 'superset', body: [{ created_at: '2999-01-02T00:00:00Z' }, { created_at: '2999-01-01T00:00:00Z' }] },
  },
  {
    route: 10,
    what: 'list by priority, up',
    call: get('/list?sort_by=priority&sort_order=asc'),
    shape: [job],
    answer: 'superset',
  },
  { route: 10, what: 'list by an unknown key', call: get('/list?sort_by=owner'), answer: strict },
  { route: 10, what: 'list in an unknown status', call: get('/list?status=done'), answer: strict },
  {
    route: 10,
    what: 'list, a limit too high',
    call: get('/list?limit=5000'),
    answer: { ...strict, differs: 'bounded' },
  },
  {
    ...{ route: 11, what: 'a job', call: get('/:id'), answer: 'superset' },
    shape: {
      ...{
        id: 'int',
        uuid: 'string?',
        ...group,
        status: 'string',
        payload: 'object',
        result: 'json',
        archived: 'bool',
      },
    },
  },
  {
    ...{ route: 11, what: 'a job, its lease', call: get('/:id'), body: { lease_id: null, completion_token: null } },
    answer: { differs: 'secret', status: 200 },
  },
  { route: 11, what: 'no job', call: get('/999999'), answer: { differs: 'faults', status: 404, code: 'not_found' } },
  {
    ...{ route: 11, what: 'a job of another domain', call: get('/:id?domain=media') },
    answer: { differs: 'faults', status: 404, code: 'not_found' },
  },
  { route: 11, what: 'an unknown word', call: get('/unknown'), answer: fault },
  {
    ...{ route: 12, what: 'stale', call: get('/stale'), shape: [{ domain: 'string', queue: 'string', count: 'int' }] },
    ...{ answer: 'superset', body: [{ domain: 'chatbooks', queue: 'stale', count: 2 }] },
  },
  {
    ...{
      route: 17,
      what: 'attach',
      call: send('POST', '/:id/attachments?domain=chatbooks', { kind: ' Log', content_text: 'x' }),
    },
    ...{ shape: attachment, answer: 'same', body: { kind: 'log', content_text: 'x', url: null } },
  },
  { route: 17, what: 'attach nothing', call: send('POST', '/:id/attachments', { kind: 'log' }), answer: fault },
  {
    ...{
      route: 17,
      what: 'attach to no job',
      call: send('POST', '/999999/attachments', { kind: 'tag', content_text: 'x' }),
    },
    answer: { differs: 'existing', status: 404, code: 'not_found' },
  },
  {
    ...{ route: 18, what: 'attachments', call: get('/:id/attachments'), shape: [attachment], answer: 'same' },
    body: { length: 500 },
  },
  {
    ...{ route: 18, what: 'attachments of no job', call: get('/999999/attachments') },
    answer: { differs: 'existing', status: 404, code: 'not_found' },
  },
  {
    ...{ route: 19, what: 'set a policy', call: send('POST', '/sla/policy', { ...scope, max_duration_seconds: 5 }) },
    ...{ shape: { ok: 'bool' }, answer: 'same', body: { ok: true } },
  },
  {
    route: 19,
    what: 'set a limit below 0',
    call: send('POST', '/sla/policy', { ...scope, max_duration_seconds: -5 }),
    answer: strict,
  },
  {
    ...{
      route: 20,
      what: 'delete a policy',
      call: send('DELETE', '/sla/policy', { ...scope, queue: 'stale', job_type: 'import' }),
    },
    ...{ shape: { ok: 'bool' }, answer: 'same', body: { ok: true } },
  },
  {
    ...{ route: 20, what: 'delete no policy', call: send('DELETE', '/sla/policy', scope) },
    answer: { differs: 'faults', status: 404, code: 'not_found' },
  },
  {
    ...{ route: 21, what: 'policies', call: get('/sla/policies?domain=chatbooks'), shape: [policy], answer: 'same' },
    body: [{ max_queue_latency_seconds: 60, max_duration_seconds: null, enabled: true }],
  },
  {
    ...{ route: 22, what: 'breaches', call: get('/sla/breaches?queue=stale'), answer: 'same' },
    shape: [
      {
        ...{ job_id: 'int', ...group, status: 'string', breach_kinds: ['string'] },
        ...{ wait_seconds: 'number', max_wait_seconds: 'int' },
      },
    ],
  },
  {
    ...{ route: 24, what: 'the archive of a job', call: get('/archive/meta?job_id=424242'), answer: 'same' },
    shape: {
      ...{ job_id: 'int', payload_present: 'bool', result_present: 'bool' },
      ...{ payload_compressed_present: 'bool', result_compressed_present: 'bool' },
    },
    body: { payload_present: true, result_present: false },
  },
  {
    ...{ route: 24, what: 'the archive of no job', call: get('/archive/meta?job_id=7') },
    answer: { differs: 'faults', status: 404, code: 'not_found' },
  },
]

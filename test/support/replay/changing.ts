import { fault, type Row, scope, send, strict, unconfirmed } from './row.ts'

const affected = { affected: 'int' } as const

/** Changes of many jobs. */
export const changing: readonly Row[] = [
  {
    ...{
      route: 2,
      what: 'prune, its defaults',
      call: send('POST', '/prune', {}),
      confirmed: true,
      shape: { deleted: 'int' },
    },
    ...{ answer: 'superset', body: { deleted: 3 } },
  },
  {
    ...{ route: 2, what: 'prune, a dry run', call: send('POST', '/prune', { dry_run: true, detail_top_k: 5 }) },
    ...{ shape: { deleted: 'int' }, answer: 'superset', body: { deleted: 3 } },
  },
  {
    route: 2,
    what: 'prune of 30 days without a header',
    call: send('POST', '/prune', { older_than_days: 30 }),
    answer: unconfirmed,
  },
  {
    route: 2,
    what: 'prune of no status',
    call: send('POST', '/prune', { statuses: [] }),
    confirmed: true,
    answer: strict,
  },
  {
    route: 2,
    what: 'prune of one status as a text',
    call: send('POST', '/prune', { statuses: 'failed' }),
    confirmed: true,
    answer: strict,
  },
  {
    route: 2,
    what: 'prune of text as a number',
    call: send('POST', '/prune', { older_than_days: '30' }),
    confirmed: true,
    answer: strict,
  },
  {
    ...{ route: 2, what: 'prune of no JSON', call: send('POST', '/prune', 'nothing'), confirmed: true },
    answer: { differs: 'faults', status: 400, code: 'malformed_json' },
  },
  {
    ...{ route: 3, what: 'sweep, its default action', call: send('POST', '/ttl/sweep', { age_seconds: 60, ...scope }) },
    ...{ confirmed: true, shape: affected, answer: 'superset', body: { affected: 1 } },
  },
  {
    route: 3,
    what: 'sweep without a header',
    call: send('POST', '/ttl/sweep', { age_seconds: 60 }),
    answer: unconfirmed,
  },
  { route: 3, what: 'sweep without a limit', call: send('POST', '/ttl/sweep', {}), confirmed: true, answer: strict },
  {
    route: 3,
    what: 'sweep of an unknown action',
    call: send('POST', '/ttl/sweep', { age_seconds: 1, action: 'x' }),
    confirmed: true,
    answer: fault,
  },
  {
    ...{ route: 4, what: 'integrity, its default', call: send('POST', '/integrity/sweep', {}), answer: 'superset' },
    ...{ shape: { non_processing_with_lease: 'int', processing_expired: 'int', fixed: 'int' }, body: { fixed: 0 } },
  },
  {
    ...{ route: 4, what: 'integrity, repair without a header', call: send('POST', '/integrity/sweep', { fix: true }) },
    ...{ answer: 'superset', body: { processing_expired: 2, fixed: 2 } },
  },
  ...['requeue_quarantined', 'requeue-quarantined'].map(
    (name): Row => ({
      ...{
        route: 5,
        what: name,
        call: send('POST', `/batch/${name}`, { domain: 'chatbooks', job_id: null }),
        confirmed: true,
      },
      ...{ shape: affected, answer: 'superset', body: { affected: 1 } },
    }),
  ),
  {
    route: 5,
    what: 'requeue without a header',
    call: send('POST', '/batch/requeue_quarantined', { domain: 'a' }),
    answer: unconfirmed,
  },
  { route: 5, what: 'requeue without a domain', call: send('POST', '/batch/requeue_quarantined', {}), answer: fault },
  {
    ...{
      route: 13,
      what: 'cancel',
      call: send('POST', '/batch/cancel', { domain: 'chatbooks', queue: 'stale' }),
      confirmed: true,
    },
    ...{ shape: affected, answer: 'superset', body: { affected: 3 } },
  },
  {
    ...{
      route: 13,
      what: 'cancel, a dry run',
      call: send('POST', '/batch/cancel', { domain: 'chatbooks', dry_run: true }),
    },
    ...{ shape: affected, answer: 'superset' },
  },
  {
    route: 13,
    what: 'cancel without a header',
    call: send('POST', '/batch/cancel', { domain: 'chatbooks' }),
    answer: unconfirmed,
  },
  {
    ...{
      route: 14,
      what: 'reschedule, its default',
      call: send('POST', '/batch/reschedule', { domain: 'media' }),
      confirmed: true,
    },
    ...{ shape: affected, answer: 'superset', body: { affected: 1 } },
  },
  {
    ...{
      route: 14,
      what: 'reschedule, a dry run',
      call: send('POST', '/batch/reschedule', { domain: 'media', delay_seconds: 5, dry_run: true }),
    },
    ...{ shape: affected, answer: 'superset', body: { affected: 1 } },
  },
  {
    route: 14,
    what: 'reschedule without a header',
    call: send('POST', '/batch/reschedule', { domain: 'media' }),
    answer: unconfirmed,
  },
  {
    ...{
      route: 15,
      what: 'move run times, now by default',
      call: send('POST', '/reschedule', { domain: 'media' }),
      confirmed: true,
    },
    ...{ shape: affected, answer: 'superset', body: { affected: 1 } },
  },
  {
    route: 15,
    what: 'move run times of all',
    call: send('POST', '/reschedule', {}),
    confirmed: true,
    answer: { ...strict, differs: 'scoped' },
  },
  {
    route: 15,
    what: 'move run times without a header',
    call: send('POST', '/reschedule', { domain: 'media' }),
    answer: unconfirmed,
  },
  {
    ...{
      route: 15,
      what: 'move run times by nothing',
      call: send('POST', '/reschedule', { domain: 'media', set_now: false }),
    },
    answer: fault,
  },
  {
    ...{
      route: 16,
      what: 'retry now, failed jobs by default',
      call: send('POST', '/retry-now', { domain: 'chatbooks' }),
      confirmed: true,
    },
    ...{ shape: affected, answer: 'superset', body: { affected: 1 } },
  },
  {
    route: 16,
    what: 'retry all now',
    call: send('POST', '/retry-now', {}),
    confirmed: true,
    answer: { ...strict, differs: 'scoped' },
  },
  {
    route: 16,
    what: 'retry now without a header',
    call: send('POST', '/retry-now', { domain: 'chatbooks' }),
    answer: unconfirmed,
  },
  {
    ...{
      route: 23,
      what: 'rotate keys',
      call: send('POST', '/crypto/rotate', { old_key_b64: 'YQ==', new_key_b64: 'Yg==' }),
      confirmed: true,
    },
    answer: { differs: 'keyless', status: 404, code: 'not_found' },
  },
]

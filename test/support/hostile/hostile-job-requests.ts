import type { Job } from '../../../shared/work/job.ts'
import { held, jobPath, jobPaths, newJob } from '../worker.ts'

type Fields = Record<string, unknown>

/** Every new call that takes a body, with a body that it takes. */
export function goodCalls(job: Job): [path: string, body: Fields][] {
  const own = held(job)
  return [
    [jobPaths.enqueue, newJob({ owner_user_id: 'o', available_at: '2030-01-01T00:00:00Z', idempotency_key: 'k' })],
    [jobPaths.batch, { jobs: [newJob({ priority: 1 }), newJob({ batch_group: 'b', max_retries: 1 })] }],
    [jobPaths.acquire, { domain: 'chatbooks', worker_id: 'w', limit: 2, job_types: ['a'], lease_seconds: 5 }],
    [jobPath(job.id, 'renew'), { ...own, lease_seconds: 9, progress_percent: 1.5, progress_message: 'm' }],
    [jobPaths.renewMany, { jobs: [{ id: job.id, ...own }] }],
    [jobPath(job.id, 'complete'), { ...own, lease_id: 'not-its-lease', result: { a: [1] }, completion_token: 't' }],
    [
      jobPath(job.id, 'fail'),
      { ...own, lease_id: 'not-its-lease', error: 'e', error_stack: ['s'], backoff_seconds: 1 },
    ],
    [jobPath(job.id, 'release'), { ...own, lease_id: 'not-its-lease' }],
    [jobPaths.finishMany, { jobs: [{ id: job.id, ...own, lease_id: 'not-its-lease', action: 'release' }] }],
    [jobPath(job.id, 'cancel'), { reason: 'r' }],
    [jobPaths.control, { domain: 'nobody', queue: 'default', action: 'pause', reason: 'r' }],
  ]
}

const absent = undefined
const notText = [5, true, ['a'], { $ne: null }, 'a\0b', 'a\ud83d', '\udc00a']
const notNumber = ['1', true, [], {}, 1.5, 1e300, 2 ** 53, -1]
const blank = [absent, null, '', ' \t']
const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
const notJson = ['\0', '\ud800', { a: { b: ['x\udc00'] } }, { 'a\0': 1 }, { '\ud800': 1 }, nested(102)]

const text = (most: number) => [...notText, 'x'.repeat(most + 1), 'x'.repeat(50_000)]
const words = (most: number) => [...text(most), ...blank]
const scope = [...words(128), 'a\nb', '\u001b[2J']

/** For each field of a call, what it does not take. */
const held_ = { worker_id: words(256), lease_id: words(256) }
const finish = { ...held_, completion_token: text(256) }
const bad = {
  enqueue: {
    ...{ domain: scope, job_type: scope, queue: [5, [], 'a\0b', 'x'.repeat(129)] },
    payload: [absent, null, [], 'x', 5, true, { a: '\0' }, { a: '\ud800' }, { '\0': 1 }, { a: nested(101) }],
    ...{ owner_user_id: text(128), idempotency_key: text(256), batch_group: text(256) },
    ...{ priority: [...notNumber, 0, 11], max_retries: [...notNumber, 101] },
    available_at: [
      ...[5, true, [], 'yesterday', 'infinity', 'now', '2026-01-01', '2026-02-30T00:00:00Z', '2026-01-01T25:00:00Z'],
      ...['0000-01-01T00:00:00Z', '10000-01-01T00:00:00Z', '2026-01-01T00:00:00+23:59', '2026-01-01T00:00:00-16:00'],
      ...['9999-12-31T23:59:59-12:00', '2026-01-01T00:00:00', "2026-01-01T00:00:00Z'--"],
    ],
    depends_on: [
      'u',
      {},
      [5],
      [null],
      [''],
      ['u\0'],
      ['\ud800'],
      ['x'.repeat(129)],
      Array.from({ length: 101 }, String),
    ],
    project_id: ['1', 1.5, 2 ** 31, -(2 ** 31) - 1, 1e300, {}, true],
  },
  acquire: {
    ...{ domain: scope, worker_id: words(256), owner_user_id: text(128) },
    ...{
      lease_seconds: [...notNumber, 0, 3601, 86_401],
      limit: [...notNumber, 0, 101],
      wait_seconds: [...notNumber, 61],
    },
    job_types: ['a', [], {}, [5], [''], ['a\0'], [['a']], Array.from({ length: 101 }, String)],
  },
  renew: {
    ...held_,
    ...{ lease_seconds: [...notNumber, 0, 3601, 86_401], progress_message: text(1000) },
    progress_percent: ['1', true, [], -0.1, 100.1, 1e300],
  },
  complete: { ...finish, result: notJson },
  fail: {
    ...{ ...finish, error: words(10_000), error_code: text(128), error_class: text(256), error_stack: notJson },
    ...{ retryable: ['true', 1, []], backoff_seconds: ['1', true, [], -1, 3601, 1e300] },
  },
  release: finish,
  cancel: { reason: text(500), force: ['true', 1, []] },
  control: { domain: scope, queue: scope, reason: text(500), action: [...blank, 5, 'stop', ['pause']] },
} as const satisfies Record<string, Record<string, readonly unknown[]>>

const lists = [absent, null, [], {}, 'x', 5, [null], [5], ['x'], [[]]]

/** What is wrong with one field alone, for every field of every new call. */
export function badJobFields(job: Job): [path: string, body: Fields][] {
  const item = { id: job.id, ...held(job) }
  const of = (path: string, good: Fields, fields: Record<string, readonly unknown[]>) =>
    Object.entries({ ...fields, unknown: [1], id: path.startsWith(jobPaths.enqueue) ? [1] : [] }).flatMap(
      ([name, values]) => values.map((value): [string, Fields] => [path, { ...good, [name]: value }]),
    )
  const within = (path: string, good: Fields, fields: Record<string, readonly unknown[]>) =>
    of('', good, fields).map(([, one]): [string, Fields] => [path, { jobs: [one] }])
  const ids = { id: [absent, null, 0, '1', 1e300, 2 ** 53, {}, true, 1.5, -1] }
  const tooMany = Array.from({ length: 1001 }, (_, n) => ({ ...item, id: n + 1, action: 'release' }))
  return [
    ...of(jobPaths.enqueue, newJob(), bad.enqueue),
    ...of(jobPaths.acquire, { domain: 'chatbooks', worker_id: 'w' }, bad.acquire),
    ...of(jobPath(job.id, 'renew'), held(job), bad.renew),
    ...of(jobPath(job.id, 'complete'), held(job), bad.complete),
    ...of(jobPath(job.id, 'fail'), { ...held(job), error: 'e' }, bad.fail),
    ...of(jobPath(job.id, 'release'), held(job), bad.release),
    ...of(jobPath(job.id, 'cancel'), {}, bad.cancel),
    ...of(jobPaths.control, { domain: 'chatbooks', queue: 'default', action: 'pause' }, bad.control),
    ...within(jobPaths.batch, newJob(), bad.enqueue),
    ...within(jobPaths.renewMany, item, { ...ids, ...bad.renew }),
    ...within(jobPaths.finishMany, { ...item, action: 'complete' }, { ...ids, ...bad.complete, error: ['e'] }),
    ...within(jobPaths.finishMany, { ...item, action: 'fail', error: 'e' }, { ...bad.fail, result: [1] }),
    ...within(jobPaths.finishMany, item, {
      action: [absent, null, '', 5, 'delete', 'COMPLETE', ['fail'], '__proto__'],
    }),
    ...[jobPaths.batch, jobPaths.renewMany, jobPaths.finishMany].flatMap((path) =>
      lists.map((jobs): [string, Fields] => [path, { jobs }]),
    ),
    [jobPaths.batch, { jobs: Array.from({ length: 1001 }, () => newJob({ payload: {} })) }],
    [jobPaths.renewMany, { jobs: tooMany.map(({ action: _, ...rest }) => rest) }],
    [jobPaths.finishMany, { jobs: tooMany }],
    [jobPaths.renewMany, { jobs: [item, item] }],
    [jobPaths.finishMany, { jobs: ['release', 'complete'].map((action) => ({ ...item, action })) }],
  ]
}

/** Bodies that `JSON.stringify` does not write. */
export const badJobTexts = [
  ...['1e400', '-1e400', '9007199254740993', '1.0000000001', '1E3'].map((n) => `"priority": ${n}`),
  ...['1e400', '9007199254740993'].map((n) => `"project_id": ${n}`),
  `"payload": ${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
  `"payload": ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `"payload": {"a": "\\ud83d"}`,
  `"payload": {"a\\u0000": 1}`,
].map((field) => `{"domain": "chatbooks", "job_type": "export", "payload": {}, ${field}}`)

/** What stands in a path where an id should, and is none. */
export const badIds = [
  ...['0', '-1', '1.5', '9e99', '99999999999999999999', '9007199254740993', '%00', '01', '0x1', '+1', '1%20', 'NaN'],
  ...['null', '1;a=b', '%D9%A3', 'x'.repeat(5000), '1%0A', '%F0%9F%93%9A', '__proto__', "1'--"],
]

/** Queries that the new reading calls do not take. */
export const badJobQueries = [
  ...['after_id=-1', 'after_id=x', 'after_id=1.5', 'after_id=1e3', 'after_id=9007199254740993', 'after_id=%00'],
  ...['after_id=99999999999999999999', 'after_id=1&after_id=1', 'after_id=+1', 'domain=%00', 'queue=a%0Ab'],
  ...['job_type=%7F', `domain=${'x'.repeat(129)}`, 'unknown=1', '__proto__=1', '=1', 'Domain=a', 'domain[]=a'],
]

export const badEventIds = ['x', '-1', '1.5', '9'.repeat(20), '1,2', '0x1', '1e3', 'null', '\xe4', '1 2']

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { changeServer, changesOf, envOf, recordOf, runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer, previewOf, type Reply } from '../../../support/fakes/fake-server.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'

const done: Reply = { body: { affected: 200, operation_id: 17 } }
/** The path of a change by its name. */
const pathOf = (name: string) => `/api/v1/jobs/batch/${name}`
const d = ['--domain', 'chatbooks']
const chatbooks = { domain: 'chatbooks' }

/** The command line, the path and the body of its change, and its sentence. */
const lines: [string[], string, object, string][] = [
  [['cancel', ...d], 'cancel', chatbooks, 'cancelled 200 jobs in chatbooks'],
  [['cancel', '8123'], 'cancel', { job_id: 8123 }, 'cancelled 200 jobs'],
  [['cancel', '8123', '8124', '8123'], 'cancel', { ids: [8123, 8124] }, 'cancelled 200 jobs'],
  [['cancel', '--all', '--force'], 'cancel', { all: true, force: true }, 'cancelled 200 jobs in all domains'],
  [
    ['retry', ...d, '--error-code', 'timeout', '--spread', '10m', '--keep-retries', '--no-dependents'],
    'retry',
    { ...chatbooks, error_code: 'timeout', spread_seconds: 600, keep_retries: true, with_dependents: false },
    'retried 200 jobs in chatbooks with --error-code timeout',
  ],
  [
    ['retry', '--owner', 'alice', '--status', 'failed', '--min-retries', '2', '--error', 'no room'],
    'retry',
    { owner_user_id: 'alice', status: ['failed'], min_retries: 2, error: 'no room' },
    'retried 200 jobs in all domains with --status failed --owner alice --error no room --min-retries 2',
  ],
  [
    ['reclaim', '--worker', 'pod-17*', '--count-attempt'],
    'reclaim',
    { worker_prefix: 'pod-17', count_attempt: true },
    'took back 200 jobs from workers pod-17* in all domains',
  ],
  [
    ['reclaim', '--worker', 'pod-17-a', '--stale'],
    'reclaim',
    { worker_id: 'pod-17-a', stale: true },
    'took back 200 jobs in all domains with --worker pod-17-a --stale',
  ],
  [
    ['reschedule', ...d, '--in', '2h', '--spread', '1h'],
    'reschedule',
    { ...chatbooks, delay_seconds: 7200, spread_seconds: 3600 },
    'rescheduled 200 jobs to 2h from now in chatbooks',
  ],
  [['reschedule', '5', '--now'], 'reschedule', { job_id: 5, delay_seconds: 0 }, 'rescheduled 200 jobs to now'],
  [
    ['reschedule', ...d, '--by=-15m'],
    'reschedule',
    { ...chatbooks, by_seconds: -900 },
    'rescheduled 200 jobs by -15m in chatbooks',
  ],
  [
    ['reschedule', ...d, '--at', '2099-01-01T00:00:00+01:00'],
    'reschedule',
    { ...chatbooks, available_at: '2098-12-31T23:00:00Z' },
    'rescheduled 200 jobs to 2098-12-31T23:00:00Z in chatbooks',
  ],
  [
    ['priority', ...d, '--to', '1'],
    'priority',
    { ...chatbooks, priority: 1 },
    'set the priority of 200 jobs to 1 in chatbooks',
  ],
  [
    [
      ...[
        'edit',
        ...d,
        '--set',
        'payload.url=a=b, c=d ',
        '--set',
        'max_retries=5',
        '--set-json',
        'payload.n=12345678901234567890',
      ],
    ],
    'edit',
    {
      ...chatbooks,
      set: [
        { path: 'payload.url', value: 'a=b, c=d ' },
        { path: 'max_retries', value: 5 },
        { path: 'payload.n', json: '12345678901234567890' },
      ],
    },
    'edited 200 jobs in chatbooks',
  ],
  [
    ['edit', '5', '--unset', 'payload.a', '--if', 'payload.a=7', '--then', 'retry', '--spread', '1m'],
    'edit',
    {
      ...{ job_id: 5, unset: ['payload.a'], next: 'retry', spread_seconds: 60 },
      if: [{ path: 'payload.a', value: '7' }],
    },
    'edited 200 jobs',
  ],
]

describe('the changes that take a filter', () => {
  it.each(lines)(
    '%j: previews, then sends the change once, bound by the preview',
    async (words, path, body, sentence) => {
      const server = await changeServer(() => done)
      const run = await runAt(server, [...words, '--yes'])
      expect(run).toMatchObject({ code: 0, out: `${sentence}\n` })
      const [change, ...more] = changesOf(server)
      expect(more).toEqual([])
      expect(change).toMatchObject({ path: pathOf(path) })
      expect(change?.body).toEqual({ ...body, dry_run: false, preview_token: 'token-of-200' })
      expect(server.requests[0]?.body).toEqual({ ...body, dry_run: true })
    },
  )

  it.each(lines)('%j: changes nothing without --yes off a terminal, and names the command', async (words) => {
    const server = await changeServer(() => done)
    const run = await runAt(server, words)
    expect(run).toMatchObject({ code: 3, out: '' })
    expect(run.err).toContain(`jobsctl ${words[0]}`)
    expect(run.err).toContain('--yes')
    expect(changesOf(server)).toEqual([])
  })

  it('the plan of each is applied as it was previewed', async () => {
    for (const [words, path, body] of lines) {
      const server = await changeServer(() => done)
      const file = join(await newFolder('plan'), 'plan.json')
      expect(await runAt(server, [...words, '--dry-run', '--plan-out', file])).toMatchObject({ code: 0 })
      expect(await runAt(server, ['apply', file, '--yes'])).toMatchObject({ code: 0 })
      const [change] = changesOf(server)
      expect(change).toMatchObject({ path: pathOf(path) })
      expect(change?.body).toEqual({ ...body, dry_run: false, preview_token: 'token-of-200', max: 200 })
    }
  })

  it.each([
    [['cancel'], 'a change needs a scope'],
    [['cancel', '--status', 'queued'], 'a change needs a scope'],
    [['retry', '5', '--queue', 'default'], 'ids and a scope exclude each other'],
    [['retry', '5', '--all'], 'ids and a scope exclude each other'],
    [['retry', '5x'], '5x is not a job id'],
    [['retry', '99999999999999999999'], 'is not a job id'],
    [['retry', '1541815603606036480'], 'which is named with its queue: mail/1541815603606036480'],
    [['retry', '1,2,3'], 'separate ids with blanks: 1 2 3'],
    [['retry', '@ids.txt'], '--ids-file ids.txt reads ids from a file'],
    [['retry', ...d, '--status', 'lost'], '--status: must be one of'],
    [['retry', ...d, '--min-retries', 'x'], '--min-retries: must be a whole number'],
    [['retry', ...d, '--created-after', 'soon'], '--created-after: must be a time'],
    [['retry', '5', '--canary', '2'], '--canary and ids exclude each other'],
    [['reclaim', '--worker', '*'], 'a star stands at the end alone'],
    [['reclaim', '--worker', 'a*b'], 'a star stands at the end alone'],
    [['reschedule', ...d], 'to when?'],
    [['reschedule', ...d, '--now', '--in', '2h'], 'to when?'],
    [['reschedule', ...d, '--at', 'tomorrow'], '--at: must be a time'],
    [['reschedule', ...d, '--by', '1y'], '--by: must be a duration'],
    [['reschedule', ...d, '--by', '9999999d'], '--by: must be at most 3660d'],
    [['reschedule', ...d, '--by=-9999999d'], '--by: must be at least -3660d'],
    [['retry', ...d, '--spread', '9999d'], '--spread: must be at most 7d'],
    [['priority', ...d], '--to: must be a whole number from 1'],
    [['priority', ...d, '--to', '11'], '--to: must be a whole number from 1'],
    [['edit', ...d], 'what is to be changed?'],
    [['edit', ...d, '--if', 'payload.url=old'], `edit ${d.join(' ')} --if payload.url=old --set payload.url=`],
    [['edit', '--owner', 'alice', '--must-exist'], 'edit --owner alice --must-exist --set payload.url='],
    [['reschedule', '--owner', 'alice'], 'reschedule --owner alice --in 2h --dry-run'],
    [['edit', '5'], 'an editor needs a terminal'],
    [['edit', '5', '--then', 'retry'], 'edit 5 --then retry --set payload.url='],
    [['edit', '5', '--queue', 'default'], 'ids and a scope exclude each other'],
    [['edit', ...d, '--set', 'payload.url'], '--set: must be a path, = and a value'],
    [['edit', ...d, '--set-json', 'payload.url=x'], '--set-json payload.url: must be JSON'],
    [['edit', ...d, '--set-json', 'payload.x={"a":1,"a":2}'], '--set-json payload.x: has the key "a" twice'],
    [['edit', ...d, '--set', 'max_retries=-1'], '--set max_retries: max_retries must be at least 0'],
    [['edit', ...d, '--unset', 'max_retries'], '--unset max_retries: cannot be unset'],
    [['edit', ...d, '--set', 'status=queued'], '--set status: must begin with payload, or be one of priority'],
    [['edit', ...d, '--set', 'priority=high'], 'priority must be a whole number'],
    [['edit', ...d, '--set', 'available_at=soon'], '--set available_at: must be a time'],
    [['edit', ...d, '--set', 'payload.token=[redacted]'], 'which stands for a masked value'],
    [['edit', ...d, '--unset', 'payload.a', '--then', 'cancel'], '--then: must be retry'],
    [['cancel', ...d, '--owner', ''], '--owner: must not be blank'],
    [['cancel', '--ids-file', '/nowhere/ids'], '--ids-file: cannot read /nowhere/ids'],
    [['cancel', '--ids-file', '-'], '--ids-file - needs --yes or --dry-run'],
  ])('%j is refused, and nothing is sent', async (words, message) => {
    const server = await changeServer(() => done)
    const run = await runAt(server, [...words, ...(words.includes('-') ? [] : ['--yes'])])
    expect(run.code).toBe(2)
    expect(run.err).toContain(message)
    expect(server.requests).toEqual([])
  })

  it('takes the ids of a file, or of stdin, once each', async () => {
    const server = await changeServer(() => done)
    const file = join(await newFolder('ids'), 'ids')
    await writeFile(file, '8123\n\n 8124 \r\n8123\n')
    expect(await runAt(server, ['retry', '--ids-file', file, '--yes'])).toMatchObject({ code: 0 })
    expect(await runAt(server, ['retry', '--ids-file', '-', '--yes'], { stdin: '5\n6' })).toMatchObject({ code: 0 })
    expect(changesOf(server).map(({ body }) => Reflect.get(Object(body), 'ids'))).toEqual([
      [8123, 8124],
      [5, 6],
    ])
  })

  it('says which line of a file of ids has no job id, and that nothing was changed', async () => {
    const server = await changeServer(() => done)
    const file = join(await newFolder('ids'), 'ids')
    await writeFile(file, '8123\n\n8124, 8125\n')
    expect(await runAt(server, ['retry', '--ids-file', file, '--yes'])).toMatchObject({
      code: 2,
      err: 'error: --ids-file: line 3: 8124, 8125 is not a job id; nothing was changed\n  hint: write one id a line\n',
    })
    expect(server.requests).toEqual([])
  })

  it('says how many workers were asked, and how many jobs came back', async () => {
    const cancel = await changeServer(() => ({ body: { affected: 5, cancelled: 3, asked: 2, operation_id: 17 } }))
    expect((await runAt(cancel, ['cancel', ...d, '--yes'])).err).toBe(
      'note: the workers of 2 running jobs were asked to end; --force ends running jobs at once\n',
    )
    const retry = await changeServer(() => ({ body: { affected: 5, dependents: 2, operation_id: 17 } }))
    const run = await runAt(retry, ['retry', ...d, '--yes', '--json'])
    expect(JSON.parse(run.out)).toMatchObject({ operation: 'retry', affected: 5, dependents: 2 })
    expect(run.err).toBe('note: 2 jobs that had been cancelled because of them came back, too\n')
  })

  it('retry --canary tries some, and the rest when they are completed', async () => {
    const first = { affected: 20, operation_id: 17, job_ids: [1, 2], rest_token: 'the rest', dependents: 5 }
    const server = await changeServer(
      (_request, nth) => ({ body: nth === 1 ? first : { affected: 180, operation_id: 18 } }),
      () => ({ body: recordOf({ kind: 'retry', now: { completed: 25 } }) }),
    )
    const run = await runAt(server, ['retry', '--error-code', 'e', '--canary', '20', '--yes'])
    expect(run).toMatchObject({ code: 0, out: 'retried 200 jobs in all domains with --error-code e\n' })
    expect(changesOf(server).map(({ body }) => body)).toEqual([
      { error_code: 'e', dry_run: false, preview_token: 'token-of-200', limit: 20 },
      { error_code: 'e', dry_run: false, preview_token: 'the rest' },
    ])
  })

  /** The other server drops fields that it does not know, so that a filter would mean everything. */
  const broken = { non_processing_with_lease: 7, processing_expired: 0, fixed: 0 }
  const other = () => fakeServer(() => ({ body: { affected: 7, deleted: 7, ...broken } }))
  it.each([
    [['cancel', ...d, '--owner', 'alice']],
    [['cancel', '5', '6']],
    [['cancel', ...d, '--force']],
    [['retry', ...d, '--spread', '1m']],
    [['requeue', ...d, '--spread', '1m']],
    [['requeue', ...d, '--owner', 'alice']],
    [['prune', ...d, '--owner', 'alice']],
    [['sweep', ...d, '--age', '1d', '--batch', 'b']],
    [['integrity', ...d, '--owner', 'alice', '--fix']],
    [['integrity', ...d, '--owner', 'alice', '--fix', '--trust-server']],
    [['reschedule', ...d, '--in', '1m', '--spread', '1m']],
    [['priority', ...d, '--to', '2']],
    [['reclaim', ...d]],
  ])('%j is refused at a server that would pass over a part of it', async (words) => {
    for (const flags of [['--yes'], ['--yes', '--no-preview']]) {
      const server = await other()
      const run = await runAt(server, [...words, ...flags])
      expect(run).toMatchObject({ code: 2, out: '' })
      expect(run.err).toContain('a server without previews passes over')
      expect(changesOf(server)).toEqual([])
    }
  })

  it.each([
    [['prune', ...d, '--owner', 'alice', '--older-than', '7d'], 'deleted', { owner_user_id: 'alice' }],
    [['sweep', ...d, '--age', '1d', '--batch', 'b'], 'cancelled', { batch_group: 'b' }],
    [['requeue', ...d, '--error-code', 'e'], 'requeued', { error_code: 'e' }],
  ])('%j narrows a change of a scope', async (words, verb, fields) => {
    const server = await changeServer(() => ({ body: { affected: 200, deleted: 200, operation_id: 17 } }))
    const run = await runAt(server, [...words, '--yes'])
    const flag = words.slice(-4).includes('--older-than') ? words.slice(3, 5) : words.slice(-2)
    expect(run).toMatchObject({ code: 0, out: `${verb} 200 jobs in chatbooks with ${flag.join(' ')}\n` })
    expect(changesOf(server).map(({ body }) => body)).toMatchObject([{ ...chatbooks, ...fields }])
    const ids = await runAt(server, ['requeue', '5', '--owner', 'alice', '--yes'])
    expect(ids).toMatchObject({
      code: 2,
      err: 'error: ids and a scope exclude each other\n  hint: jobsctl requeue --help\n',
    })
  })

  it('a report of integrity takes the filter, and is refused at a server that would pass over it', async () => {
    const server = await fakeServer(() => ({ body: { ...broken, preview: previewOf(7) } }))
    const words = ['integrity', ...d, '--status', 'queued', '--owner', 'alice']
    expect(await runAt(server, words)).toMatchObject({
      code: 0,
      out: 'non_processing_with_lease\t7\nprocessing_expired\t0\n',
    })
    expect(server.requests.at(-1)?.body).toEqual({
      fix: false,
      ...chatbooks,
      status: ['queued'],
      owner_user_id: 'alice',
    })
    expect(await runAt(await other(), words)).toMatchObject({ code: 2, out: '' })
    expect((await runAt(server, ['integrity', '--owner', 'alice', '--fix', '--yes'])).err).toContain(
      'a change needs a scope',
    )
  })

  it.each([
    ['--rate', '10'],
    ['--until', '2h'],
  ])('%s is refused at a server that would pass over it', async (...brake) => {
    for (const flags of [['--yes'], ['--yes', '--no-preview']]) {
      const server = await other()
      const run = await runAt(server, ['cancel', ...d, ...brake, ...flags])
      expect(run).toMatchObject({ code: 2, out: '' })
      expect(run.err).toContain(brake[0])
      expect(changesOf(server)).toEqual([])
    }
  })

  it('--rate and --until are sent with the change alone', async () => {
    const server = await changeServer(() => done)
    await runAt(server, ['prune', ...d, '--rate', '10', '--until', '2099-01-01T00:00:00Z', '--yes'])
    const [change] = changesOf(server)
    expect(change?.body).toMatchObject({ rate: 10, until: '2099-01-01T00:00:00Z' })
    expect(server.requests[0]?.body).not.toHaveProperty('rate')
    for (const bad of [
      ['--rate', '0'],
      ['--rate', 'x'],
      ['--until', 'noon'],
      ['--until', '0s'],
    ]) {
      expect(await runAt(server, ['prune', ...d, ...bad, '--yes'])).toMatchObject({ code: 2 })
    }
  })

  it('is made at the other server where that server understands all of it', async () => {
    const server = await other()
    expect(await runAt(server, ['cancel', ...d, '--queue', 'low', '--yes'])).toMatchObject({
      code: 0,
      out: 'cancelled 7 jobs in chatbooks/low\n',
    })
    expect(await runAt(server, ['retry', ...d, '--yes'])).toMatchObject({
      code: 0,
      out: 'retried 7 jobs in chatbooks\n',
    })
    expect(changesOf(server).map(({ path }) => path)).toEqual([pathOf('cancel'), pathOf('retry')])
  })

  it('at a terminal asks for the count, and shows what goes along', async () => {
    const server = await changeServer(() => done)
    const { code, screen } = await atTerminal(['retry', ...d, '--dry-run'], { env: envOf(server) })
    expect(code).toBe(0)
    expect(screen).toContain('would retry 200 jobs in chatbooks')
    expect(screen).toContain('To do it:  jobsctl retry --domain chatbooks --yes')
  })
})

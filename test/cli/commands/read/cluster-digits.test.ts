import { describe, expect, it } from 'vitest'
import { changesOf, runAt } from '../../../support/fakes/change-server.ts'
import { type FakeServer, fakeServer, jobsAnswer } from '../../../support/fakes/fake-server.ts'

const cluster = (id: string, more: object = {}) => ({
  ...{
    cluster: id,
    status: 'failed',
    error_code: null,
    pattern: 'disk # is \u001b[31mfull',
    count: 1200,
    groups: [],
    owners: [],
  },
  ...{ first_seen: null, last_seen: null, per_minute: 0, sample_ids: [1], ...more },
})
const clusters = [
  cluster('v1-c3f9aaaaaaaa'),
  cluster('v1-c3f9bbbbbbbb', { count: 3, status: 'retrying', pattern: 'timeout' }),
  cluster('v1-d000c3f9aaaa'),
  cluster('rest', { status: null, pattern: null }),
]

const server = (): Promise<FakeServer> =>
  fakeServer(({ path }) => {
    if (path.startsWith('/api/v1/jobs/clusters')) return { body: { clusters, expired_leases: [] } }
    if (path.startsWith('/api/v1/jobs/list')) return { body: [], headers: { 'x-complete': 'true' } }
    return jobsAnswer(200, {
      deleted: 200,
      non_processing_with_lease: 200,
      processing_expired: 0,
      fixed: 200,
      operation_id: 17,
    })
  })

const d = ['--domain', 'chatbooks']

describe('the first digits of a cluster', () => {
  it.each([
    [['list', '--cluster', 'd000'], 'v1-d000c3f9aaaa'],
    [['list', '--cluster', 'V1-C3F9A', ...d], 'v1-c3f9aaaaaaaa'],
    [['list', '--cluster', 'c3f9bbbbbbbb', '--all-pages'], 'v1-c3f9bbbbbbbb'],
  ])('%j lists the jobs of the whole id', async (words, whole) => {
    const at = await server()
    expect(await runAt(at, words)).toMatchObject({ code: 0, err: '' })
    const [asked, listed] = at.requests
    expect(asked?.path).toBe(
      `/api/v1/jobs/clusters?${words.includes('chatbooks') ? 'domain=chatbooks&' : ''}limit=1000`,
    )
    expect(listed?.path).toContain(`cluster=${whole}`)
  })

  it.each([
    ['retry'],
    ['cancel'],
    ['reschedule', '--now'],
    ['priority', '--to', '2'],
    ['reclaim'],
    ['requeue', ...d],
    ['prune', ...d],
    ['sweep', ...d, '--age', '1d'],
    ['integrity', ...d, '--fix'],
  ])('%s sends the whole id with the preview and the change', async (...words) => {
    const at = await server()
    expect(await runAt(at, [...words, '--cluster', 'd000', '--yes'])).toMatchObject({ code: 0 })
    const sent = at.requests
      .filter(({ method }) => method === 'POST')
      .map(({ body }) => Reflect.get(Object(body), 'cluster'))
    expect(sent.length).toBeGreaterThan(1)
    expect(new Set(sent)).toEqual(new Set(['v1-d000c3f9aaaa']))
  })

  it('that begin several ids are refused with these ids, and with the command that shows the jobs of the largest', async () => {
    const at = await server()
    const run = await runAt(at, ['retry', '--cluster', 'c3f9', ...d, '--yes'])
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toBe(
      [
        'error: --cluster: c3f9 begins the ids of 2 clusters in chatbooks; nothing was changed',
        '  v1-c3f9aaaaaaaa  1,200 failed  disk # is \\x1b[31mfull',
        '  v1-c3f9bbbbbbbb  3 retrying  timeout',
        '  hint: jobsctl list --domain chatbooks --cluster v1-c3f9aaaaaaaa',
        '',
      ].join('\n'),
    )
    expect(changesOf(at)).toEqual([])
  })

  it('that begin no id are exit 5, and a word that can be no id is refused before anything is sent', async () => {
    const at = await server()
    const unknown = await runAt(at, ['retry', '--cluster', 'ffff', '--yes'])
    expect(unknown.err).toBe(
      'error: no cluster of failures in any domain has an id that begins with ffff; nothing was changed\n  hint: jobsctl clusters\n',
    )
    expect(unknown.code).toBe(5)
    expect(changesOf(at)).toEqual([])
    const none = await server()
    for (const word of ['c3f', 'rest', 'v1-c3f9aaaaaaaab', 'c3f9; drop', 'v1-'])
      for (const command of ['list', 'retry'])
        expect(await runAt(none, [command, '--cluster', word])).toMatchObject({ code: 2, out: '' })
    expect((await runAt(none, ['list', '--cluster', 'c3f9', '--curl'])).err).toContain('must be the whole id')
    expect(none.requests).toEqual([])
  })
})

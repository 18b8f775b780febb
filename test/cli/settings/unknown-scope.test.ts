import { expect, it } from 'vitest'
import { runAt } from '../../support/fakes/change-server.ts'
import { fakeServer, jobsAnswer } from '../../support/fakes/fake-server.ts'

const row = { domain: 'chatbooks', queue: 'q', job_type: 't', queued: 1, scheduled: 0, processing: 0, quarantined: 0 }
const emptyServer = () =>
  fakeServer(({ method, path }) => {
    if (method === 'POST') return jobsAnswer(0)
    return { body: path === '/api/v1/jobs/stats' ? [row] : [] }
  })

it('a scope that never had a job is noted in a dry run, with the name that is meant', async () => {
  const { code, err } = await runAt(await emptyServer(), ['prune', '--domain', 'chatboks', '--dry-run'])
  expect(code).toBe(0)
  expect(err).toContain('note: no job was ever in chatboks; did you mean --domain chatbooks?')
})

it('--must-exist makes it exit 5, for changes and for stats', async () => {
  const server = await emptyServer()
  const [prune, stats, silent] = await Promise.all([
    runAt(server, ['prune', '--domain', 'chatboks', '--yes', '--must-exist']),
    runAt(server, ['stats', '--domain', 'chatboks', '--must-exist']),
    runAt(server, ['prune', '--domain', 'chatboks', '--yes']),
  ])
  expect([prune.code, stats.code]).toEqual([5, 5])
  expect(prune.err).toContain('no job was ever in chatboks; nothing was changed')
  expect(silent).toEqual({ code: 0, out: '', err: '' })
})

it('a scope that never had a job is noted by integrity at a terminal', async () => {
  const empty = { non_processing_with_lease: 0, processing_expired: 0, fixed: 0 }
  const server = await fakeServer(({ method, path }) => {
    if (method === 'POST') return { body: empty }
    return { body: path === '/api/v1/jobs/stats' ? [row] : [] }
  })
  const { code, err } = await runAt(server, ['integrity', '--domain', 'chatboks', '-o', 'table'])
  expect(code).toBe(0)
  expect(err).toContain('note: no job was ever in chatboks; did you mean --domain chatbooks?')
})

it('a short name is not taken for another one that shares no more than a letter', async () => {
  const server = await fakeServer(({ method, path }) => {
    if (method === 'POST') return jobsAnswer(0)
    return { body: path === '/api/v1/jobs/stats' ? [{ ...row, domain: 'abc' }] : [] }
  })
  const { err } = await runAt(server, ['prune', '--domain', 'axy', '--dry-run'])
  expect(err).toContain('note: no job was ever in axy')
  expect(err).not.toContain('did you mean')
})

it.each([
  { domain: 'it is', meant: "--domain 'it is'" },
  { domain: '$(id)', meant: "--domain '$(id)'" },
  { domain: '-xy', meant: '--domain=-xy' },
])('the name that is meant can be pasted: $meant', async ({ domain, meant }) => {
  const rows = ['', ' ', ' a', domain].map((domain) => ({ ...row, domain }))
  const server = await fakeServer(({ method, path }) => {
    if (method === 'POST') return jobsAnswer(0)
    return { body: path === '/api/v1/jobs/stats' ? rows : [] }
  })
  const { err } = await runAt(server, ['prune', '--dry-run', `--domain=${domain.slice(0, -1)}`])
  expect(err).toContain(`did you mean ${meant}?`)
  const { err: short } = await runAt(server, ['prune', '--dry-run', '--domain', 'b'])
  expect(short).toMatch(/^note: no job was ever in b\n/)
})

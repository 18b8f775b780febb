import { expect, it } from 'vitest'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

it('JOBSCTL_PROFILE and JOBSCTL_URL exclude each other, since the URL would drop the limit of the profile', async () => {
  const server = await fakeServer(() => ({ body: [] }))
  const prod = { url: server.url, api_key_file: await secretFile('key'), protected: true, max: 5 }
  const { env } = await configHome({ profiles: { prod } })
  const both = { ...env, JOBSCTL_PROFILE: 'prod', JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' }
  const prune = ['prune', '--all', '--yes']

  const { code, err } = await runJobsctl(prune, { env: both })
  expect(code).toBe(2)
  expect(err).toContain('JOBSCTL_PROFILE and JOBSCTL_URL exclude each other; nothing was sent')
  expect(await runJobsctl(['stats'], { env: { ...both, JOBSCTL_PROFILE: 'prdo' } })).toMatchObject({ code: 5 })
  expect(server.requests).toEqual([])

  const flag = await runJobsctl([...prune, '--url', server.url], { env: { ...both, JOBSCTL_URL: undefined } })
  expect(flag).toMatchObject({ code: 2, err: expect.stringContaining('the profile prod is protected') })
})

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { configHome } from '../../../support/programs/config-home.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'

it('unset removes a setting or a profile; a value that is not possible is named, and nothing is written', async () => {
  const profile = { url: 'http://127.0.0.1:1', max: 5 }
  const { env } = await configHome({ profiles: { prod: profile, old: profile } })
  const config = (...argv: string[]) => runJobsctl(['config', ...argv], { env })
  const file = async (): Promise<unknown> =>
    JSON.parse(await readFile(join(env.XDG_CONFIG_HOME ?? '', 'jobsctl', 'config.json'), 'utf8'))

  expect(await config('unset', 'profiles.prod.max')).toMatchObject({ code: 0 })
  expect(await config('unset', 'profiles.old')).toMatchObject({ code: 0 })
  const left = { profiles: { prod: { url: profile.url } } }
  expect(await file()).toEqual(left)

  expect(await config('unset', 'profiles.prod.max')).toMatchObject({ code: 5 })
  expect(await config('set', 'profiles.prod.max', '-4')).toMatchObject({
    code: 2,
    err: expect.stringContaining('profiles.prod.max -4: not possible; nothing was written'),
  })
  expect(await config('unset', 'profiles.prod.url')).toMatchObject({ code: 2 })
  expect(await file()).toEqual(left)
})

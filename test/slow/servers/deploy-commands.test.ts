import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { freePort } from '../../../scripts/launch/free-port.ts'
import { newFolder } from '../../support/database/database.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

it('the health check of the image is well while the server answers, and else not', async () => {
  const [, command = ''] = /^ +CMD (\["node", "-e".*\])$/m.exec(await readFile('deploy/Dockerfile', 'utf8')) ?? []
  const [, ...argv] = z.array(z.string()).parse(JSON.parse(command))
  const check = (port: string) =>
    promisify(execFile)(process.execPath, argv, { env: { PORT: port } }).then(
      () => 'healthy',
      ({ code }) => `exit ${code}`,
    )
  expect(await check(new URL(world.url).port)).toBe('healthy')
  expect(await check(String(await freePort()))).toBe('exit 1')
})

it('the nightly prune of the timer deletes what its unit says, and needs nobody', async () => {
  const unit = await readFile('deploy/systemd/jobs-prune.service', 'utf8')
  const [, words = ''] = /^ExecStart=\S+ \S+ (.*)$/m.exec(unit) ?? []
  const argv = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word = '']) => quoted ?? word)
  const file = join(await newFolder('credentials'), 'api-key')
  await writeFile(file, world.key, { mode: 0o400 })
  await world.jobs(4, { status: 'completed' })
  await world.jobs(2, { status: 'queued' })
  const run = () => runJobsctl(argv, { env: { JOBSCTL_URL: world.url, JOBSCTL_API_KEY_FILE: file } })
  expect(await run()).toMatchObject({ code: 0 })
  expect(await world.count()).toBe(2)
  expect(await run()).toMatchObject({ code: 0, out: '' })
  expect((await world.sql`select reason from job_operations where affected = 4`)[0]).toEqual({
    reason: 'nightly prune',
  })
})

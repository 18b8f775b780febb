import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { keepLacks } from '../../../cli/settings/known-lacks.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobs-lacks-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('help keeps what an engine cannot, and not what row-level security hides for now', async () => {
  const place = { env: { XDG_CACHE_HOME: folder }, home: undefined }
  const kept = async () => JSON.parse(await readFile(join(folder, 'jobsctl', 'engines.json'), 'utf8'))
  const url = 'http://127.0.0.1:8787/'
  await keepLacks(place, url, ['pause', 'resume'])
  expect(await kept()).toMatchObject({ 'http://127.0.0.1:8787': { lacks: ['pause', 'resume'] } })
  await keepLacks(place, url, ['stats', 'clusters', 'prune', 'pause', 'resume'])
  expect(await kept()).toEqual({})
})

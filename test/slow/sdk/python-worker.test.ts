import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Client, createClient } from '../../../sdk/client.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0

/** The worker of docs/workers/worker.py, as somebody copies it. */
describe.skipIf(!hasPython)('the worker in Python (skipped without python3)', () => {
  let world: World
  let client: Client
  beforeAll(async () => {
    world = await openWorld('postgres')
    client = createClient({ url: world.url, apiKey: world.key })
  })
  afterAll(() => world?.stop())

  function start() {
    const child = spawn('python3', ['docs/workers/worker.py', 'letters'], {
      env: { PATH: process.env.PATH, BASE: world.url, API_KEY: world.key, LEASE_SECONDS: '2' },
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return { child, ended: once(child, 'exit'), stderr: () => stderr }
  }
  const statuses = async () => (await world.rows()).map(({ status }) => status)

  it('does every job, fails what its handler raises, survives a kill, and stops on SIGTERM', async () => {
    const good = Array.from({ length: 40 }, (_, page) => ({ domain: 'letters', job_type: 'print', payload: { page } }))
    await client.enqueueBatch({ jobs: good })
    const [first, second] = [start(), start()]
    await until('some are done', async () => (await statuses()).filter((one) => one === 'completed').length > 5)
    first.child.kill('SIGKILL')
    await until('all are done', async () => (await statuses()).every((one) => one === 'completed'))
    expect((await world.rows()).map(({ result }) => result)).toEqual(
      good.map(({ payload }) => ({ printed: payload.page })),
    )

    const { id } = await client.enqueue({ domain: 'letters', job_type: 'print', payload: {}, max_retries: 0 })
    expect(await client.waitFor(id)).toMatchObject({ status: 'failed', error_class: 'KeyError', error_code: null })
    second.child.kill('SIGTERM')
    expect(await second.ended).toEqual([0, null])
    expect(second.stderr()).toBe('')
  })
})

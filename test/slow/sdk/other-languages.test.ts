import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Client, createClient } from '../../../sdk/client.ts'
import { newFolder } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

/** The workers of docs/workers, as somebody copies them. `make` returns the command that runs the worker. */
const languages = [
  {
    name: 'Python',
    has: spawnSync('python3', ['--version']).status === 0,
    make: async () => ['python3', 'docs/workers/worker.py'],
    failure: { error_class: 'KeyError' },
  },
  {
    name: 'Go',
    has: spawnSync('go', ['version']).status === 0,
    async make() {
      const folder = await newFolder('go')
      const program = join(folder, 'worker')
      // Its process gets the signals, where `go run` would get them in its place.
      execFileSync('go', ['build', '-o', program, resolve('docs/workers/worker.go')], {
        env: { ...process.env, GO111MODULE: 'off', CGO_ENABLED: '0' },
      })
      return [program]
    },
    failure: { error_message: 'the payload has no page' },
  },
]

describe.each(languages)('the worker in $name', ({ name, has, make, failure }) => {
  let world: World
  let client: Client
  let command: string[]
  beforeAll(async () => {
    if (!has) return
    command = await make()
    world = await openWorld('postgres')
    client = createClient({ url: world.url, apiKey: world.key })
  }, 600_000)
  afterAll(() => world?.stop())

  function start() {
    const [program = '', ...words] = command
    const child = spawn(program, [...words, 'letters'], {
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

  const skipped = has ? '' : ` (skipped: ${name} is not installed)`
  it.skipIf(!has)(`does every job, fails what breaks, survives a kill, and stops on SIGTERM${skipped}`, async () => {
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
    expect(await client.waitFor(id)).toMatchObject({ status: 'failed', error_code: null, ...failure })
    second.child.kill('SIGTERM')
    expect(await second.ended).toEqual([0, null])
    expect(second.stderr()).toBe('')
  })
})

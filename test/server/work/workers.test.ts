import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { kinds, newFolder } from '../../support/database/database.ts'
import { blocksOf } from '../../support/docs.ts'
import { until } from '../../support/poll.ts'
import { endWithTests } from '../../support/programs/end-with-tests.ts'
import { openWorld, type World } from '../../support/world.ts'

const jobs = '/api/v1/jobs'

describe.each(kinds)('the workers to copy, on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterEach(() => world.clear())
  afterAll(() => world?.stop())

  /** Starts a worker in a process group of its own, so that all of it ends. */
  const startWorker = (command: string, argv: string[], cwd: string) => {
    const env = { PATH: process.env.PATH, BASE: world.url, API_KEY: world.key }
    const child = spawn(command, argv, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    endWithTests(child)
    const output = { text: '' }
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output.text += text
      })
    }
    const ended = once(child, 'close').then(() => ({ code: child.exitCode, output: output.text }))
    return { pid: child.pid ?? 0, output, ended, kill: (signal: NodeJS.Signals) => child.kill(signal) }
  }

  const enqueue = (count: number) =>
    world.post(`${jobs}/batch`, {
      jobs: Array.from({ length: count }, (_, n) => ({ domain: 'chatbooks', job_type: 'export', payload: { n } })),
    })
  const statuses = async () => (await world.rows()).map(({ status }) => status)

  it('in TypeScript: finishes the jobs at hand on SIGTERM, and leases no more', async () => {
    await enqueue(300)
    const worker = startWorker(process.execPath, ['--import', 'tsx', 'scripts/example-worker.ts'], process.cwd())
    await until('three jobs are done', async () => (await statuses()).filter((it) => it === 'completed').length >= 3)
    worker.kill('SIGTERM')
    expect(await worker.ended).toMatchObject({ code: 0 })
    // The server gives back what it leased for the call that the worker hung up on.
    await until('no job is leased', async () => !(await statuses()).includes('processing'))

    const rows = await world.rows()
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['completed', 'queued']))
    expect(rows.filter(({ lease_id, status }) => status === 'queued' && lease_id !== null)).toEqual([])
    expect(rows.every(({ retry_count }) => retry_count === 0)).toBe(true)
    for (const { status, result, payload } of rows) {
      if (status === 'completed') expect(result).toEqual({ echo: payload })
    }
    const types = (await world.events()).map(({ event_type }) => event_type)
    const count = (type: string) => types.filter((it) => it === type).length
    expect(count('job.acquired')).toBe(count('job.completed') + count('job.released'))
  })

  it('in ten lines of bash: completes what can be done, and tells what cannot', async () => {
    const folder = await newFolder('worker')
    const page = blocksOf('docs/workers/README.md')
    const script = page.find(({ text }) => text.includes('./do-the-job'))?.text ?? ''
    expect(
      script
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('#')).length,
    ).toBeLessThanOrEqual(10)
    await writeFile(
      join(folder, 'do-the-job'),
      '#!/bin/sh\nread payload\ncase $payload in *2*) exit 1;; esac\necho done\n',
    )
    await chmod(join(folder, 'do-the-job'), 0o755)
    await enqueue(4)
    const worker = startWorker('bash', ['-c', script], folder)
    try {
      await until('all jobs were tried', async () => {
        const rows = await world.rows()
        return rows.every(({ status, retry_count }) => status === 'completed' || retry_count === 1)
      })
    } finally {
      process.kill(-worker.pid, 'SIGKILL')
    }
    const rows = await world.rows()
    expect(rows.map(({ status, result, error_code }) => ({ status, result, error_code }))).toEqual(
      [0, 1, 2, 3].map((n) =>
        n === 2
          ? { status: 'queued', result: null, error_code: 'exit' }
          : { status: 'completed', result: 'done\n', error_code: null },
      ),
    )
  })
})

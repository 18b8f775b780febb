import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertSampleJobs } from '../../scripts/demo/sample-jobs.ts'
import { kinds, newFolder } from '../support/database/database.ts'
import { built } from '../support/programs/built.ts'
import { shell } from '../support/programs/shell.ts'
import { readmeBlocks } from '../support/readme.ts'
import { openWorld, type World } from '../support/world.ts'

/** `$ jobsctl …   # exit 3` */
const typed = readmeBlocks('console')
  .flatMap((block) => block.split('\n'))
  .flatMap((line) => {
    const [, command, code = '0'] = /^\$ (jobsctl .*?)(?:\s+# exit (\d+))?$/.exec(line) ?? []
    return command ? [{ command, code: Number(code) }] : []
  })
const calls = readmeBlocks('bash').filter((block) => block.includes('$BASE') && !block.includes('do-the-job'))

describe.each(kinds)('the README on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
    await insertSampleJobs(world.sql)
  })
  afterAll(() => world?.stop())

  it.runIf(kind === 'embedded')('shows a tour in which every command does what it says', async () => {
    expect(typed.length).toBeGreaterThan(12)
    const env = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }
    const folder = await newFolder('tour')
    for (const { command, code } of typed) {
      const run = await shell(
        `jobsctl() { "${process.execPath}" "${built.jobsctl}" "$@"; }\ncd ${folder}\n${command}`,
        { env },
      )
      expect({ command, code: run.code, err: code === 0 ? '' : run.err }).toEqual({
        command,
        code,
        err: code === 0 ? '' : expect.stringContaining('error: '),
      })
    }
  })

  it('shows calls that are answered, one after the other and as a script', async () => {
    expect(calls).toHaveLength(3)
    const env = { PATH: process.env.PATH, BASE: world.url, API_KEY: world.key }
    for (const block of [calls[0], calls[2]]) {
      const { stderr } = await promisify(execFile)(
        'bash',
        ['--norc', '-euo', 'pipefail', '-c', `curl() { command curl -sS --fail-with-body "$@"; }\n${block}`],
        { env, timeout: 20_000 },
      )
      expect(stderr).toBe('')
    }
  })

  it('shows a stream that says something', async () => {
    const run = await shell(`curl() { command curl -sS --fail-with-body --max-time 2 "$@"; }\n${calls[1]}`, {
      env: { BASE: world.url, API_KEY: world.key },
    })
    expect(run.out).toMatch(/^id: \d+$/m)
  })
})

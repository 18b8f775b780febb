import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newFolder } from '../../support/database/database.ts'
import { built } from '../../support/programs/built.ts'
import { shell } from '../../support/programs/shell.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

/** Runs a line in which `jobsctl` is the built one. */
const line = (text: string) =>
  shell(`jobsctl() { "${process.execPath}" "${built.jobsctl}" "$@"; }\n${text}`, {
    env: { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key },
  })

it.each([
  ['prune --domain chatbooks', '3'],
  ['prune --domain', '2'],
  ['stats --url http://127.0.0.1:1 --api-key-file /dev/stdin --retries 0', '7'],
])('the exit code is the same where nobody reads the output: %s', async (words, code) => {
  await world.clear()
  await world.jobs(2)
  const { out } = await line(`exec 3>&1; (echo key | jobsctl ${words} >/dev/null; echo $? >&3) 2>&1 | true`)
  expect(out.trim()).toBe(code)
})

it('a change goes on where nobody reads the output', async () => {
  await world.clear()
  await world.jobs(5)
  const { out } = await line('exec 3>&1; (jobsctl prune --all -v --yes; echo $? >&3) 2>&1 | true')
  expect(out.trim()).toBe('0')
  expect(await world.count()).toBe(0)
})

it('a result that cannot be written is reported in a sentence, and the change stands', async () => {
  await world.clear()
  await world.jobs(2)
  const { out, err } = await line('jobsctl prune --all --yes >/dev/full; echo $?')
  expect(err).toBe(
    'error: cannot write to stdout: no space left on device; the command itself goes on, and nothing is rolled back\n',
  )
  expect(out).toBe('1\n')
  expect(await world.count()).toBe(0)
})

it('a plan that does not fit on the disk leaves no part of it, since its tokens allow to apply it', async () => {
  await world.clear()
  await world.jobs(2)
  const folder = await newFolder('plan')
  const words = `prune --all --dry-run --plan-out '${join(folder, 'plan.json')}'`
  const { err } = await line(`(ulimit -f 0; jobsctl ${words}) 2>&1 | cat >&2`)
  expect(err).toContain('no plan was written')
  expect(await readdir(folder)).toEqual([])
})

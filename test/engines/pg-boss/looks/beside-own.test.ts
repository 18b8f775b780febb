import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runServer } from '../../../support/programs/spawn-server.ts'
import type { World } from '../../../support/world.ts'
import { operationOf } from '../../support/admin.ts'
import { type BossRow, differencesOf, rowsOf, same } from '../../support/rows.ts'
import { sampleJobs } from '../../support/sample.ts'
import { besideEach, newest } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

/** The page of calls that users run today. A clone that has it elsewhere says so in SHARED_DIR, and without it only `jobsctl` is run. */
const page = join(process.env.SHARED_DIR ?? '../shared', 'jobs-admin-examples.md')
const blocks = existsSync(page)
  ? [...readFileSync(page, 'utf8').matchAll(/^```bash\n(.*?)^```/gms)].map(([, block = '']) => block)
  : []

const commands = [
  ['stats'],
  ['stats', '--json'],
  ['list', '--domain', 'chatbooks'],
  ['clusters'],
  ['stale'],
  ['prune', '--all'],
  ['prune', '--all', '--yes'],
  ['cancel', '--all', '--yes'],
  ['stats'],
]

/** What is another text each time, although the answer is the same: times, uuids, tokens of previews, and how long it took. */
const steady = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?/g, '<time>')
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(/"(?:token|elapsed_ms)": ?(?:"[^"]*"|\d+)/g, '"…": 0')
    .replaceAll(/\bin \d+(?:\.\d+)? ?m?s\b/g, 'in <time>')

/** Inserts the same jobs of our own, runs every call, and returns the answers and what is left. */
async function answersOf(world: World): Promise<unknown[]> {
  await world.clear()
  for (const status of ['completed', 'failed', 'cancelled', 'quarantined']) await world.jobs(2, { status })
  await world.jobs(3, { status: 'queued', days: 2 })
  await world.jobs(1, { status: 'processing', days: 2, leased_until: null })
  await world.jobs(1, { status: 'completed', domain: 'other' })
  const answers: unknown[] = []
  for (const block of blocks) {
    const env = { PATH: process.env.PATH, BASE: world.url, API_KEY: world.key }
    const { stdout } = await promisify(execFile)('bash', ['-euc', block], { env, timeout: 100_000 })
    answers.push(steady(stdout))
  }
  for (const argv of commands) {
    const { code, out } = await world.jobsctl(argv)
    answers.push({ argv, code, out: steady(out) })
  }
  return [...answers, (await world.rows()).map(({ id, domain, status }) => ({ id, domain, status }))]
}

besideEach([newest], 'jobs of our own in one database with others', (version) => {
  let database: BossDatabase
  let alone: unknown[]
  let world: World
  let theirs: BossRow[]
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const first = await database.serve()
    alone = await answersOf(first)
    await first.stop()
    await sampleJobs(await database.start({ options: { supervise: false } }))
    theirs = await rowsOf(database.sql)
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('are what every call is about, and prune --all takes the same jobs as before', async () => {
    expect(await answersOf(world)).toEqual(alone)
    expect(differencesOf(theirs, await rowsOf(database.sql))).toEqual(same)
  })

  it('stay what calls without a domain are about where both are served, and a domain names the others', async () => {
    const JOBS_ENGINE = 'own,pg-boss'
    await world.stop()
    expect(await runServer(['migrate'], { ...database.env, JOBS_ENGINE })).toMatchObject({ code: 0 })
    const both = await database.serve({ JOBS_ENGINE })
    expect(await answersOf(both)).toEqual(alone)
    expect(differencesOf(theirs, await rowsOf(database.sql))).toEqual(same)
    const cancel = await both.jobsctl(['cancel', '--domain', 'pgboss', '--status', 'queued', '--yes', '--json'])
    expect(differencesOf(theirs, await rowsOf(database.sql))).not.toEqual(same)
    expect(await both.jobsctl(['undo', operationOf(cancel), '--yes'])).toMatchObject({ code: 0 })
    const times = ['keep_until', 'deletion_seconds']
    expect(differencesOf(theirs, await rowsOf(database.sql), times)).toEqual(same)
    await both.stop()
  })
})

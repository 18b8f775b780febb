import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { namesOf } from '../../../cli/command-line/words.ts'
import { commands } from '../../../cli/commands/all.ts'
import { exits } from '../../../shared/exits.ts'
import { newFolder } from '../../support/database/database.ts'
import type { Wanted } from '../../support/database/job-row.ts'
import { exampleWords } from '../../support/programs/examples.ts'
import { refuseLostHints, runnableHints } from '../../support/programs/hints.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { openWorld, type World } from '../../support/world.ts'

/** Commands that take a terminal, ask for a secret, or call no server. */
const apart = ['top', 'login', 'completion', 'man', 'help', 'config', 'server']

/** Each command as its help shows it, with every scope that it takes, in a scope that has no job, and as a change that is refused. */
const cases = commands
  .filter(({ name }) => !apart.includes(name))
  .flatMap(({ examples, flags, changes, name }) => {
    const has = (flag: string) => flags.some((known) => namesOf(known.flags).includes(flag))
    const scopes = [
      [],
      ['--domain', 'chatbooks', '--queue', 'default', '--job-type', 'export'],
      ['--domain', 'chatboks', ...(has('--must-exist') ? ['--must-exist'] : [])],
    ].filter((scope) => scope.every((word) => !word.startsWith('--') || has(word)))
    const ways = changes ? [['--dry-run'], ['--max', '1', '--yes']] : [[]]
    const lines = [...examples.map(exampleWords), [name]].filter((words) => words !== undefined)
    return lines
      .filter((words) => !words.includes('--follow') && !words.includes('--watch'))
      .map((words) => words.filter((word) => !['--yes', '--all', '--dry-run'].includes(word)))
      .flatMap((words) =>
        scopes.filter((scope) => !scope.some((word) => words.includes(word))).map((scope) => [...words, ...scope]),
      )
      .flatMap((words) => ways.map((way) => [...words, ...way]))
  })

/** Done, or nothing is there by this name. */
const runs: readonly number[] = [exits.ok.code, exits.not_found.code]

describe('the commands that jobsctl prints', () => {
  /** The commands that were printed, and the command line that printed each of them. */
  const printed = new Map<string, string>()
  let world: World
  let key: string
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.jobs(3, { status: 'failed', error_message: 'disk 1 is full', owner_user_id: 'alice' })
    await world.jobs(2, { status: 'quarantined', error_message: 'timeout' })
    await world.jobs(2, { status: 'queued', available_at: '2026-01-01T00:00:00Z' })
    await world.jobs(2, { status: 'processing', leased_until: '2026-01-01T00:00:00Z', worker_id: 'pod-17-a' })
    await world.jobs(2, { status: 'queued', lease_id: 'lease-1' })
    key = join(await newFolder('key'), 'key')
    await writeFile(key, world.key, { mode: 0o600 })
  })
  afterAll(() => world?.stop())

  /** Runs a command line, and keeps the commands that it prints. */
  async function collect(words: readonly string[]): Promise<number | null> {
    const argv = [...words, '--url', world.url, '--api-key-file', key, '-o', 'table']
    const { code, out, err } = await runJobsctl(argv)
    for (const hint of runnableHints(`${err}\n${out}`)) printed.set(JSON.stringify(hint), words.join(' '))
    return code
  }

  it.each(commands.filter(({ name }) => !apart.includes(name)).map(({ name }) => name))(
    '%s keeps its server and its jobs in every command that it prints',
    async (name) => {
      for (const words of cases.filter(([verb]) => verb === name)) {
        await collect(words)
      }
    },
    120_000,
  )

  it('keep their server and their jobs where jobs, stops and operations are there', async () => {
    const one = async (wanted: Wanted) => String((await world.jobs(1, wanted))[0])
    const queued = await one({ status: 'queued', domain: 'mail' })
    const ids = [
      queued,
      await one({ status: 'processing', domain: 'mail', leased_until: '2026-01-01T00:00:00Z' }),
      ...(await Promise.all(
        (['failed', 'quarantined', 'cancelled'] as const).map((status) => one({ status, domain: 'mail' })),
      )),
    ]
    const onJobs = ids.flatMap((id) => [
      ['show', id],
      ['explain', id],
    ])
    const stop = [['queues'], ['stats'], ['explain', 'mail/default'], ['explain', queued]]
    for (const words of [
      ...onJobs,
      ...[['pause', 'mail/default', '--reason', 'disk full'], ...stop, ['drain', 'mail/default'], ...stop],
      ...[
        ['resume', 'mail/default'],
        ['retry', '--domain', 'mail', '--yes'],
        ['cancel', queued, '--yes'],
      ],
    ])
      expect(await collect(words), words.join(' ')).toBe(0)
    const [last] = await world.sql<
      { id: number }[]
    >`select id from job_operations where kind = 'retry' order by id desc limit 1`
    const operation = String(last?.id)
    for (const words of [
      ['operations'],
      ['operations', operation],
      ['undo', operation, '--dry-run'],
      ['undo', operation, '--domain', 'mail', '--yes'],
    ])
      expect(await collect(words), words.join(' ')).toBe(0)
  }, 120_000)

  it('run as they are, and those that change as a preview', async () => {
    const refused: object[] = []
    for (const [hint, from] of printed) {
      const words: string[] = JSON.parse(hint)
      const { code, err } = await runJobsctl(words)
      if (!runs.includes(code ?? 1)) refused.push({ from, words: words.join(' '), code, err })
    }
    expect(refused).toEqual([])
    expect(printed.size).toBeGreaterThan(50)
  }, 240_000)

  it.each([
    [
      'a lost domain',
      ['clusters', '--domain', 'shop'],
      'the jobs of a cluster: jobsctl list --cluster v1-0123456789ab',
    ],
    ['a lost filter', ['retry', '--all', '--owner', 'x'], 'To do it:  jobsctl retry --all --yes'],
    ['a lost server', ['stats', '--url', 'http://there'], 'counts: jobsctl stats --domain a'],
    ['a flag that there is not', ['stats'], 'hint: jobsctl stats --everywhere'],
  ])('a hint with %s does not pass', (_, argv, printed) => {
    expect(() => refuseLostHints(argv, printed)).toThrow('hints that cannot be pasted')
  })
})

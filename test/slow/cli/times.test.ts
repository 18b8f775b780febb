import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../../cli/commands/all.ts'
import type { CommandSpec } from '../../../cli/context.ts'
import { globalFlags, guardFlags } from '../../../cli/settings/flags/global-flags.ts'
import { envOf, runAt } from '../../support/fakes/change-server.ts'
import { type FakeServer, fakeServer } from '../../support/fakes/fake-server.ts'
import type { Ended } from '../../support/programs/child.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { type Meaning, times } from '../../support/times.ts'
import { openWorld, type World } from '../../support/world.ts'

const markedAt = '2026-01-30T08:00:00.123456Z'
const nameOf = (spelling: string) => /--[\w-]+/.exec(spelling)?.[0] ?? ''
const keyOf = (flag: string) => flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** Every flag of a time of every command, with the operands that give it another meaning. */
const timeFlags = commands.flatMap(({ name, flags, operands: needed }) =>
  flags.flatMap(({ flags: spelling, time }) => {
    if (time === undefined) return []
    const lines = typeof time === 'function' ? [['export'], ['keep', '17']] : [needed?.startsWith('<') ? ['add'] : []]
    return lines.map((operands) => ({
      line: [name, ...operands, nameOf(spelling)],
      direction: typeof time === 'function' ? time(operands) : time,
    }))
  }),
)

/** The commands as they are described, which give what they were given in place of running. */
function watched(): { specs: CommandSpec[]; given: Record<string, unknown>[] } {
  const given: Record<string, unknown>[] = []
  const specs = commands.map((spec) => ({
    ...spec,
    run: async ({ settings }: { settings: { brake: object } }, flags: object) => {
      given.push({ ...settings.brake, ...flags })
      return 'ok' as const
    },
  }))
  return { specs, given }
}

const mark = { id: 1, text: 'deploy 4711', at: markedAt, caller: 'c' }

/** A server that has one mark. */
const marked = (): Promise<FakeServer> =>
  fakeServer(({ path }) => ({
    body: new URL(path, 'http://fake').searchParams.get('text') === mark.text ? [mark] : [],
  }))

describe('each flag of a time', () => {
  it('is described as one, and none is forgotten', () => {
    const described = [...commands.flatMap(({ flags }) => flags), ...globalFlags, ...guardFlags]
    for (const { flags, about, time } of described) {
      expect([flags, time !== undefined]).toEqual([flags, /<time>/.test(flags)])
      if (/ISO 8601|mark:<|\bh ago\b|h from now/.test(about)) expect([flags, time !== undefined]).toEqual([flags, true])
    }
    expect(timeFlags.length).toBeGreaterThan(50)
  })

  it.each(timeFlags)('takes the whole grammar: $line', async ({ line, direction }) => {
    const [server, flag] = [await marked(), line.at(-1) ?? '']
    for (const { words, ...meanings } of times) {
      const { specs, given } = watched()
      const before = Date.now()
      const run = await runJobsctl([...line.slice(0, -1), `${flag}=${words}`], { commands: specs, env: envOf(server) })
      judge(meanings[direction], { flag, words, run, value: given[0]?.[keyOf(flag)], before })
    }
  })

  it('of the guard takes the grammar of what is ahead', async () => {
    const server = await marked()
    for (const { words, future } of times) {
      const { specs, given } = watched()
      const before = Date.now()
      const run = await runJobsctl(['cancel', '7', `--until=${words}`], { commands: specs, env: envOf(server) })
      judge(future, { flag: '--until', words, run, value: given[0]?.until, before })
    }
  })

  it('names a mark that is not there, with the scope in its hint; with --curl nothing is sent', async () => {
    const server = await marked()
    const line = ['list', '--domain', 'a b', '--created-after', 'mark:nothing']
    const run = await runAt(server, line)
    expect(run).toMatchObject({ code: 5, out: '', err: expect.stringContaining('no mark has the text "nothing"') })
    expect(run.err).toContain("jobsctl history --domain 'a b' --since 30d")
    const sent = server.requests.length
    const curl = await runAt(server, [...line, '--curl'])
    expect(curl).toMatchObject({ code: 2, out: '', err: expect.stringContaining('must be given by its time') })
    expect(server.requests.length).toBe(sent)
  })
})

interface Judged {
  flag: string
  words: string
  run: Ended
  value: unknown
  before: number
}

function judge(meaning: Meaning, { flag, words, run, value, before }: Judged): void {
  const what = `${flag} ${JSON.stringify(words)}`
  if ('wrong' in meaning) {
    expect(run, what).toMatchObject({ code: 2, err: expect.stringMatching(`^error: ${flag}: `) })
    expect(run.err, what).toContain(meaning.wrong)
    return
  }
  expect(run, what).toMatchObject({ code: 0, err: '' })
  if ('seconds' in meaning) {
    const late = Date.parse(String(value)) - before - 1000 * meaning.seconds
    expect([late >= 0, late < 60_000], `${what} is ${value}`).toEqual([true, true])
  } else expect(value, what).toBe('mark' in meaning ? markedAt : meaning.at)
}

describe('times of a filter and of reschedule, at a server', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.jobs(2, { domain: 'd', status: 'queued' })
    expect(await world.jobsctl(['mark', 'deploy 4711'])).toMatchObject({ code: 0 })
    await world.jobs(3, { domain: 'd', status: 'queued' })
    await world.sql`update jobs set created_at = now() + (case when id <= 2 then -1 else 1 end) * interval '1 hour'`
  })
  afterAll(() => world?.stop())

  it('list and change the jobs before and after a mark', async () => {
    const mark = 'mark:deploy 4711'
    const idsOf = async (...words: string[]) => (await world.jobsctl(['list', '--ids', ...words])).out
    expect(await idsOf('--created-after', mark, '--sort', 'created_at')).toBe('3\n4\n5\n')
    expect(await idsOf('--created-before', mark, '--sort', 'created_at')).toBe('1\n2\n')
    const cancel = ['cancel', '--domain', 'd', '--created-before', mark, '--output', 'table']
    expect((await world.jobsctl([...cancel, '--dry-run'])).out).toMatch(/would cancel 2 jobs/)
    expect(await world.jobsctl([...cancel, '--yes'])).toMatchObject({ code: 0 })
    const rows = await world.sql`select id from jobs where status = 'cancelled' order by id`
    expect(rows.map(({ id }) => Number(id))).toEqual([1, 2])
  })

  it('reschedule --at 2h is 2 h from now, and a day its beginning in UTC', async () => {
    const run = await world.jobsctl(['reschedule', '3', '--at', '2h', '--yes'])
    expect(run).toMatchObject({ code: 0 })
    expect(await world.jobsctl(['reschedule', '4', '--at', '2030-01-31', '--yes'])).toMatchObject({ code: 0 })
    const [third] = await world.sql`select extract(epoch from available_at - now()) as ahead from jobs where id = 3`
    expect(Math.abs(Number(third?.ahead) - 7200)).toBeLessThan(120)
    const [fourth] = await world.sql`select available_at::text as at from jobs where id = 4`
    expect(new Date(String(fourth?.at)).toISOString()).toBe('2030-01-31T00:00:00.000Z')
    expect(await world.jobsctl(['reschedule', '5', '--at', '2030-01-31T08:00', '--yes'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--at: must have its zone, such as 2030-01-31T08:00Z for UTC'),
    })
  })
})

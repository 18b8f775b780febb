import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { endOfRun, farTime, makeDue, policyOf } from '../../../support/changes/policy.ts'
import { kinds, newFolder } from '../../../support/database/database.ts'
import { ago } from '../../../support/database/job-row.ts'
import { changesOf, runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { enter, startAtTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

const rule = 'domain: chatbooks\n    prune: { status: [completed], older_than: 30d }'
const nightly = `at: ${farTime}\nrules:\n  finished:\n    ${rule}\n`

let folder = ''
beforeAll(async () => {
  folder = await newFolder('policy')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Writes a file, and returns its path. */
async function fileOf(text: string | Buffer, name = 'policy.yaml'): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

describe('jobsctl policy check, without a server', () => {
  const check = async (text: string | Buffer) => {
    const file = await fileOf(text, 'checked.yaml')
    const { code, out, err } = await runJobsctl(['policy', 'check', file], {
      env: { JOBSCTL_URL: 'http://127.0.0.1:1' },
    })
    return { code, out, err: err.replaceAll(file, 'file') }
  }

  it('shows what the rules say, with what the file gives to all of them', async () => {
    const text = `${nightly}  stuck:
    all: true
    time_zone: Europe/Berlin
    at: '*/10 * * * *'
    max: 5
    mode: report
    sweep: { age: 7d, runtime: 90m, action: cancel }\n`
    const { code, out, err } = await check(text)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const [first, second] = out.split('\n').map((line) => line.split('\t').slice(0, -2))
    expect(first).toEqual([
      ...['finished', 'prune completed older than 30d', 'chatbooks', farTime, 'UTC', '10000', 'apply'],
    ])
    expect(second).toEqual([
      ...[
        'stuck',
        'cancel what waits for 7d or runs for 90m',
        'all domains',
        '*/10 * * * *',
        'Europe/Berlin',
        '5',
        'report',
      ],
    ])
  })

  it('refuses bytes that are no UTF-8, and takes the character that often stands for them', async () => {
    const named = nightly.replace('chatbooks', 'caf\ufffd\u00e9')
    const { code, out } = await check(`\ufeff${named}`)
    expect([code, out.split('\t')[2]]).toEqual([0, 'caf\ufffd\u00e9'])
    expect(await check(Buffer.from(named.replace('\ufffd', ''), 'latin1'))).toMatchObject({
      ...{ code: 2, out: '' },
      err: expect.stringMatching(/^error: file is not UTF-8: line 4 has other bytes\n {2}hint: .*iconv/),
    })
  })

  it('names the line and the column of every fault, and what was meant', async () => {
    const { code, err } = await check(`tme_zone: UTC
at: 61 3 * * *
rules:
  finished:
    domain: 12
    prune:
      statuses: [completed]
      older_than: 36h
  Stuck!:
    domain:
    sweep: { age: 7, action: kill }
  none:
    domain: no
    prune: { status: [queued], older_than: 30d }
    mode: on
`)
    expect(code).toBe(2)
    expect(err.split('\n')).toEqual([
      'error: file:1:1: tme_zone: is not known; did you mean time_zone?',
      '  file:2:5: at: must be times of cron: Invalid value for minute: 61',
      '  file:5:13: rules.finished.domain: must be a text: put it in quotes',
      '  file:7:7: rules.finished.prune.status: is required',
      '  file:7:7: rules.finished.prune.statuses: is not known; did you mean status?',
      '  file:8:19: rules.finished.prune.older_than: must be whole days, and is never rounded',
      '  file:9:3: rules.Stuck!: must be small letters, digits, - and _, at most 63 of them',
      '  file:10:12: rules.Stuck!.domain: must not be empty',
      '  file:11:19: rules.Stuck!.sweep.age: must have a unit, such as 30d',
      '  file:11:30: rules.Stuck!.sweep.action: must be cancel or fail',
      '  file:14:23: rules.none.prune.status.0: must be one of completed, failed, cancelled, quarantined',
      '  file:15:11: rules.none.mode: must be apply or report',
      '  hint: jobsctl policy --help',
      '',
    ])
  })

  it.each([
    ['a key that stands twice', `${nightly}  finished:\n    ${rule}\n`, ':6:3: Map keys must be unique'],
    ['an alias', 'a: &a [1]\nrules: *a\n', ':2:8: is an alias'],
    ['a bomb of aliases', `a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\nrules: {}\n`, ':1:7: has an anchor'],
    [
      'cron without quotes',
      `rules:\n  a:\n    at: * * * * *\n    ${rule}\n`,
      ':3:9: is an alias, which a policy does not have: put text',
    ],
    ['a tag', `rules: !!map {}\n`, ':1:14: has a tag'],
    ['another version of YAML', `%YAML 1.1\n---\nrules: {}\n`, ':1:1: is YAML of another version'],
    ['an octal number', `max: 010\n${nightly}`, ':1:6: must be written in plain digits'],
    ['a number of another form', `max: 1e3\n${nightly}`, ':1:6: must be written in plain digits'],
    ['a switch for a limit', `max: yes\n${nightly}`, ':1:6: max: must be'],
    ['two documents', `${nightly}---\n${nightly}`, 'begins a second document'],
    [
      'letters of other programs',
      nightly.replace(farTime, '0 3 L * *'),
      'at: must be five fields of cron, one space apart and without L',
    ],
    ['two spaces', nightly.replace(farTime, '0  3 1 * *'), 'at: must be five fields of cron, one space apart'],
    ['the day 0', nightly.replace(farTime, '15 3 0 * *'), 'Invalid value for day\n'],
    ['tabs', 'rules:\n\ta: {}\n', ':2:1: Tabs are not allowed'],
    ['nothing', '', ':1:1: must be a map with rules'],
    ['a list', '- a\n', ':1:1: must be a map with rules'],
    ['no rules', 'at: 15 3 * * *\n', 'rules: must be a map of rules'],
    ['a depth that nobody writes', '['.repeat(50_000), ':1:1: is nested too deeply'],
    ['a size that nobody writes', `${nightly}#${'x'.repeat(70_000)}`, ' is larger than 64 KiB'],
    [
      'every domain by mistake',
      nightly.replace('domain: chatbooks\n', '\n'),
      'rules.finished.domain: give domain, queue or job_type',
    ],
    ['a merge', `rules:\n  finished:\n    <<: {all: true}\n    ${rule}\n`, 'rules.finished.<<: is not known'],
    ['control characters', `rules:\n  "a\\u001b[31m": {}\n`, 'rules.a\\x1b[31m: must be small letters'],
  ])('refuses %s', async (_, text, why) => {
    const { code, out, err } = await check(text)
    expect({ code, out, err }).toEqual({ code: 2, out: '', err: expect.stringContaining(why) })
    expect(err.split('\n').length).toBeLessThan(25)
  })

  it('refuses a device that never ends', async () => {
    const err = 'error: /dev/zero is a device with more than 64 MiB\n  hint: jobsctl policy --help\n'
    expect(await runJobsctl(['policy', 'check', '/dev/zero'], { env: {} })).toMatchObject({ code: 2, out: '', err })
  })
})

describe.each(kinds)('jobsctl policy on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.jobs(3, { status: 'completed', completed_at: ago(40 * 86_400) })
  })

  const policy = (...argv: string[]) => world.jobsctl(['policy', ...argv])

  it('compares a file, asks before it is applied, and shows its runs', async () => {
    const file = await fileOf(nightly)
    const diff = await policy('diff', file, '--detailed-exitcode')
    expect(diff).toMatchObject({ code: 10, err: '' })
    expect(diff.out.split('\n').at(0)).toBe('added\tfinished\tdoes\t\tprune completed older than 30d')

    const refused = await policy('apply', file)
    expect(refused).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('the first runs would change 3 jobs now'),
    })
    expect(refused.err).toContain(`hint: jobsctl policy apply ${file} --yes`)
    const dry = await policy('apply', file, '--dry-run', '--detailed-exitcode')
    expect(dry).toMatchObject({ code: 10, err: '' })
    expect(JSON.parse((await policy('apply', file, '--dry-run', '--json')).out)).toMatchObject({
      ...{ dry_run: true, differences: [{ change: 'added' }, {}, {}, {}, {}] },
      first_runs: [{ name: 'finished', matched: 3, would_change: 3 }],
    })
    expect(await policy('apply', file, '--max', '2', '--yes')).toMatchObject({
      code: 8,
      err: expect.stringContaining('hint: give the rules a lower max, or raise --max'),
    })
    const applied = await policy('apply', file, '--yes', '--reason', 'retention')
    expect(applied).toMatchObject({ code: 0, err: '' })
    expect(applied.out).toMatch(/^Applied 1 rule; the next run is in .*jobsctl policy show\n$/)
    expect(await policy('apply', file, '--yes')).toEqual({ code: 0, out: '', err: '' })
    expect(await policy('apply', file, '--max', '2', '--yes')).toEqual({ code: 0, out: '', err: '' })
    expect(await policy('diff', file, '--detailed-exitcode')).toEqual({ code: 0, out: '', err: '' })

    await makeDue(world.sql, 'finished')
    const { operation_id } = await endOfRun(world, 'finished')
    const cells = (await policy('show')).out.trimEnd().split('\t')
    expect(cells.slice(0, 7)).toEqual([
      'finished',
      'prune completed older than 30d',
      'chatbooks',
      farTime,
      'UTC',
      '10000',
      'apply',
    ])
    const iso = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/
    expect((await policyOf(world)).rules[0]).toMatchObject({
      next_at: expect.stringMatching(iso),
      last: {
        due_at: expect.stringMatching(iso),
        began_at: expect.stringMatching(iso),
        ended_at: expect.stringMatching(iso),
      },
    })
    expect(cells.slice(9, 15)).toEqual(['done', String(operation_id), '3', '3', '0', '0'])
    const shown = await policy('show', '-o', 'table')
    expect(shown.out).toContain(`3 changed, operation ${operation_id}`)
    expect(shown.err).toMatch(/^Revision \d+, applied by single-user .* \("retention"\)\.\n$/)
    expect((await world.jobsctl(['operations', '--kind', 'prune'])).out).toContain('policy finished: retention')
    expect((await world.jobsctl(['doctor'])).out).toMatch(
      /policy\tok\t1 rule, applied by single-user; the next run is in /,
    )

    expect((await policy('apply', await fileOf('rules: {}\n', 'none.yaml'), '--yes')).out).toBe(
      'Ended the policy: no rule is applied.\n',
    )
    expect((await policy('show')).out).toBe('')
  })

  it('simulates the rules of a file on the days that are over', async () => {
    const file = await fileOf(nightly)
    const { code, out, err } = await policy('simulate', file, '--last', '2d')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const days = out.trimEnd().split('\n')
    expect(days.map((line) => line.split('\t').toSpliced(1, 1).join())).toEqual([
      'finished,1,3,3,0,true',
      'finished,1,0,0,0,true',
    ])
    const table = await policy('simulate', file, '--last', '2d', '--output', 'table')
    expect(table.out).toMatch(/^RULE +DAY +RUNS +MATCHED +WOULD CHANGE +LEFT\nfinished +\S+ +1 +3 +3 +0\n/)
    expect(table.err.split('\n')[0]).toBe(
      'finished: at least 3 jobs came under it, and its runs would have taken 3. Of these jobs, afterwards: 0 retried, 0 revealed, 0 edited, 0 held.',
    )
    expect(table.err).toContain(`To see what it would take now: jobsctl policy apply ${file} --dry-run`)
    expect(await world.count()).toBe(3)
    const often = nightly.replace(farTime, "'* * * * *'")
    expect(await policy('simulate', await fileOf(often, 'often.yaml'), '--last', '9d')).toMatchObject({
      ...{ code: 9, out: '' },
      err: expect.stringMatching(/^note: finished was not counted: .*\n$/),
    })
    for (const last of ['0d', '32d', '36h', 'week', '-1d'])
      expect(await policy('simulate', file, `--last=${last}`)).toMatchObject({
        ...{ code: 2, out: '' },
        err: expect.stringContaining('--last: must be whole days from 1d to 31d, such as 7d'),
      })
    expect((await policy('diff', file, '--last', '7d')).err).toContain('--last belongs to policy simulate')
    expect((await policy('simulate', file, '--max', '5')).code).toBe(2)
  })

  it('shows how many jobs a run that only reports would have changed: as many as the rule allows', async () => {
    const larger = rule.replace('    prune', '    max: 3\n    prune')
    const file = await fileOf(`max: 2\nmode: report\n${nightly}  rest:\n    ${larger}\n`)
    expect(await policy('apply', file, '--yes')).toMatchObject({ code: 0, err: '' })
    await makeDue(world.sql, 'finished')
    await makeDue(world.sql, 'rest')
    await endOfRun(world, 'finished')
    await endOfRun(world, 'rest')
    const { out } = await policy('show', '-o', 'table')
    expect(out).toMatch(/finished .*: would have changed 2 of 3/)
    expect(out).toMatch(/rest .*: would have changed 3(?! of)/)
  })

  it('shows when a run began that is due for days, since no server ran', async () => {
    expect(await policy('apply', await fileOf(nightly), '--yes')).toMatchObject({ code: 0 })
    await makeDue(world.sql, 'finished', 9.5 * 86_400)
    expect(Date.now() - Date.parse((await endOfRun(world, 'finished')).due_at)).toBeGreaterThan(3_600_000)
    expect((await policy('show', '-o', 'table')).out).toMatch(
      / (?:just now|\d+[sm] ago): 3 changed, operation \d+, \d+ missed/,
    )
  })

  it('takes the number of jobs from a person, and nothing else', async () => {
    const file = await fileOf(nightly)
    const ask = async (typed: string) => {
      const env = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }
      const person = await startAtTerminal(['policy', 'apply', file], { env })
      await person.sees('Type 3, the number of jobs, to go ahead:')
      person.types(`${typed}${enter}`)
      return person.ended
    }
    expect(await ask('y')).toMatchObject({ code: 3, screen: expect.stringContaining('nothing was changed') })
    expect((await policy('show')).out).toBe('')
    expect((await ask('3')).screen).toContain('Applied 1 rule')
    expect((await policy('show')).out).toMatch(/^finished/)
  })

  it.each([
    [['check']],
    [['check', 'a', 'b']],
    [['show', 'a']],
    [['what', 'a']],
    [['show', '--dry-run']],
    [['diff', 'a', '--max', '5']],
    [['apply', 'a', '--rate', '5']],
    [['apply', 'a', '--detailed-exitcode']],
    [['check', 'missing.yaml']],
  ])('refuses %j', async (argv) => {
    expect(await policy(...argv)).toMatchObject({ code: 2, out: '' })
  })
})

describe('jobsctl policy apply where the server did not count a first run in time', () => {
  const run = (name: string, more: object) => ({ name, next_at: '2099-01-01T00:00:00Z', ...more })
  const shown = { revision: 0, applied: null, problem: null, author_until: null, rules: [] }
  const first_runs = [
    run('counted', { matched: 2, complete: true, would_change: 2, at_most: 2 }),
    run('slow', { matched: null, complete: false, would_change: null, at_most: 10_000 }),
  ]
  const server = () =>
    fakeServer(({ method }) => ({ body: method === 'GET' ? shown : { ...shown, first_runs, would_change: true } }))
  const apply = async (...flags: string[]) => {
    const served = await server()
    const ended = await runAt(served, ['policy', 'apply', await fileOf(nightly), ...flags])
    return { ...ended, changes: changesOf(served).length }
  }

  it('keeps to --max by the most that the rule allows', async () => {
    const refused = await apply('--yes', '--max', '100')
    expect(refused).toMatchObject({ code: 8, changes: 0 })
    expect(refused.err).toContain('up to 10,002 jobs match, above the limit of 100; nothing was changed')
    expect(await apply('--yes', '--max', '10002')).toMatchObject({ code: 0, changes: 1 })
  })

  it('shows a lower bound as one', async () => {
    const { out } = await apply('--dry-run')
    expect(out).toContain(
      'the first runs would change at least 2 jobs now, and at most 10,002 by the max of their rules',
    )
  })
})

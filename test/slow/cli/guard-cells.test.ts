import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ofEach, threeEach } from '../../support/changes/changes.ts'
import { newFolder } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { proxyOf } from '../../support/fakes/proxy.ts'
import { until } from '../../support/poll.ts'
import { wordsOf } from '../../support/programs/shell.ts'
import { atTerminal, ctrlC, ctrlD, enter, startAtTerminal } from '../../support/programs/terminal.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('the guard, cell by cell of its table', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await threeEach(world)
  })

  const env = () => ({ JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key })
  const atATerminal = (argv: string[], variables: Record<string, string> = {}) =>
    atTerminal(argv, { env: { ...env(), ...variables } })
  const start = (argv: string[], out?: string) =>
    startAtTerminal(argv, { env: env(), ...(out !== undefined && { out }) })

  /** Runs it, and fails when anything in the database has changed. */
  async function untouched<T>(run: () => Promise<T>): Promise<T> {
    const before = await world.fingerprint()
    const result = await run()
    expect(await world.fingerprint()).toBe(before)
    return result
  }

  it('--dry-run off a terminal: the preview is the result, exit 0, or 10 with --detailed-exitcode', async () => {
    const [plain, detailed] = await untouched(() =>
      Promise.all([
        ofEach(({ argv }) => world.jobsctl([...argv, '--dry-run'])),
        ofEach(({ argv }) => world.jobsctl([...argv, '-n', '--detailed-exitcode'])),
      ]),
    )
    const preview = (code: number) =>
      ofEach(({ would, domain }) => ({ code, out: `${would} 3 jobs in ${domain}\n`, err: '' }))
    expect(plain).toEqual(await preview(0))
    expect(detailed).toEqual(await preview(10))
  })

  it('--dry-run at a terminal: the same, and what to type next; there is no question', async () => {
    const [plain, detailed] = await untouched(() =>
      Promise.all([
        ofEach(({ argv }) => atATerminal([...argv, '--dry-run'])),
        atATerminal(['prune', '--domain', 'chatbooks', '--dry-run', '--detailed-exitcode']),
      ]),
    )
    expect(plain).toMatchObject(
      await ofEach(({ argv }) => ({
        code: 0,
        screen: expect.stringContaining(`To do it:  jobsctl ${argv.join(' ')} --yes\n`),
      })),
    )
    expect(JSON.stringify(plain)).not.toContain('go ahead')
    expect(detailed).toMatchObject({ code: 10 })
  })

  it('--dry-run --json tells a program the operation, the scope and the count', async () => {
    const runs = await untouched(() => ofEach(({ argv }) => world.jobsctl([...argv, '--dry-run', '--json'])))
    expect(await ofEach(({ name }): unknown => JSON.parse(runs[name]?.out ?? ''))).toMatchObject(
      await ofEach(({ name, domain }) => ({ operation: name, dry_run: true, affected: 3, domain })),
    )
    expect(Object.values(runs).map(({ code, err }) => `${code}${err}`)).toEqual(['0', '0', '0', '0'])
  })

  it('--dry-run --yes: exit 2, here and there', async () => {
    const [pipe, terminal] = await untouched(() =>
      Promise.all([
        ofEach(({ argv }) => world.jobsctl([...argv, '--dry-run', '--yes'])),
        atATerminal(['prune', '--domain', 'chatbooks', '--yes', '--dry-run']),
      ]),
    )
    const expected = (name: string | undefined) =>
      `error: --dry-run and --yes exclude each other\n  hint: jobsctl ${name} --help\n`
    expect(pipe).toEqual(await ofEach(({ argv }) => ({ code: 2, out: '', err: expected(argv[0]) })))
    expect(terminal).toMatchObject({ code: 2, screen: expected('prune') })
  })

  it('--json alone: exit 3 without a prompt, here and there', async () => {
    const [pipe, terminal] = await untouched(() =>
      Promise.all([
        ofEach(({ argv }) => world.jobsctl([...argv, '--json'])),
        atATerminal(['prune', '--domain', 'chatbooks', '--json']),
      ]),
    )
    expect(pipe).toMatchObject(await ofEach(() => ({ code: 3, out: '' })))
    expect(await ofEach(({ name }): unknown => JSON.parse(pipe[name]?.err ?? ''))).toEqual(
      await ofEach(({ argv, would, domain }) => ({
        error: {
          code: 'confirmation_required',
          detail: `${would} 3 jobs in ${domain}; refusing to change anything without --yes`,
          hint: `jobsctl ${argv.join(' ')} --yes`,
          exit: 3,
          request_id: null,
        },
      })),
    )
    expect(terminal).toMatchObject({ code: 3 })
    expect(terminal.screen).not.toContain('go ahead')
  })

  it('--no-input, CI and JOBSCTL_NO_INPUT at a terminal: there is no question, as off a terminal', async () => {
    const [terminal, ...more] = await untouched(() =>
      Promise.all([
        ofEach(({ argv }) => atATerminal([...argv, '--no-input'])),
        atATerminal(['prune', '--all'], { CI: 'true' }),
        atATerminal(['prune', '--all'], { JOBSCTL_NO_INPUT: '1' }),
      ]),
    )
    expect(terminal).toMatchObject(
      await ofEach(({ argv, would, domain }) => ({
        code: 3,
        screen: [
          `${would} 3 jobs in ${domain}`,
          'error: refusing to change anything without --yes',
          `  hint: jobsctl ${argv.join(' ')} --yes\n`,
        ].join('\n'),
      })),
    )
    for (const { code, screen } of more) {
      expect(code).toBe(3)
      expect(screen).toContain('  hint: jobsctl prune --all --older-than 30d --yes\n')
      expect(screen).not.toContain('go ahead')
    }
  })

  it('--yes at a terminal: done without a question', async () => {
    // A slow machine shows the bar, which a terminal erases, and this text of all that was written does not.
    const bar = '(\\[[#-]+\\].*( left|/s))?'
    expect(await ofEach(({ argv }) => atATerminal([...argv, '--yes']))).toMatchObject(
      await ofEach(({ did, domain, name }) => ({
        code: 0,
        screen: expect.stringMatching(
          name === 'integrity'
            ? `^${bar}${did} 3 jobs in ${domain}\\n$`
            : `^${bar}${did} 3 jobs in ${domain}\\nTo give back 3 jobs:  jobsctl undo \\d+\\n$`,
        ),
      })),
    )
    expect(await world.events()).toHaveLength(4)
  })

  it('--yes --json: one object, with the same facts whether something matched or not', async () => {
    const run = async () => {
      const runs = await ofEach(({ argv }) => world.jobsctl([...argv, '--yes', '--json']))
      expect(runs).toMatchObject(await ofEach(() => ({ code: 0, err: '' })))
      return ofEach(({ name }): object => JSON.parse(runs[name]?.out ?? ''))
    }
    const done = await run()
    expect(done).toMatchObject(
      await ofEach(({ name, domain }) => ({
        ...{ operation: name, dry_run: false, affected: 3, domain },
        ...{ operation_ids: [expect.any(Number)], batches: 1, elapsed_ms: expect.any(Number), skipped: 0 },
      })),
    )
    const ofTheChange = new Set(['operation_ids', 'batches', 'elapsed_ms', 'skipped', 'skipped_locked'])
    const ofRequest = (outcome: object = {}) =>
      Object.fromEntries(Object.entries(outcome).filter(([name]) => !ofTheChange.has(name)))
    expect(await run()).toEqual(await ofEach(({ name }) => ({ ...ofRequest(done[name]), affected: 0 })))
  })

  it('no match: exit 0 and no question; without --yes a sentence says so, and at a terminal a note names an unknown domain', async () => {
    await world.clear()
    const [none, dry, yes, terminal] = await untouched(() =>
      Promise.all([
        ofEach(({ argv }) => world.jobsctl(argv)),
        world.jobsctl(['prune', '--all', '--dry-run', '--detailed-exitcode']),
        ofEach(({ argv }) => world.jobsctl([...argv, '--yes'])),
        ofEach(({ argv }) => atATerminal(argv)),
      ]),
    )
    const nothing = await ofEach(({ would, domain }) => `nothing to do: ${would} 0 jobs in ${domain}\n`)
    expect(none).toEqual(await ofEach(({ name }) => ({ code: 0, out: '', err: nothing[name] })))
    expect(dry).toEqual({ code: 0, out: '', err: '' })
    expect(yes).toEqual(await ofEach(() => ({ code: 0, out: '', err: '' })))
    // At a terminal a note says that the domain may be misspelled; integrity has none, since a healthy domain has no match.
    const note = await ofEach(({ name, domain }) =>
      name === 'integrity' ? '' : `note: no job was ever in ${domain}\n`,
    )
    expect(terminal).toMatchObject(await ofEach(({ name }) => ({ code: 0, screen: `${note[name]}${nothing[name]}` })))
  })

  it('changes nothing for any other answer than the count, and exits 3, or 130 for Ctrl-C', async () => {
    const prune = ['prune', '--domain', 'chatbooks']
    const answers = { y: `y${enter}`, yes: `yes${enter}`, more: `4${enter}`, empty: enter, end: ctrlD, stop: ctrlC }
    const terminal = await untouched(() =>
      Promise.all(
        Object.entries(answers).map(async ([name, keys]) => {
          const person = await start(prune)
          await person.sees('go ahead:')
          person.types(keys)
          const { code, screen } = await person.ended
          return `${name} ${code} ${/nothing was changed/.test(screen)}`
        }),
      ),
    )
    expect(terminal).toEqual(['y 3 true', 'yes 3 true', 'more 3 true', 'empty 3 true', 'end 3 true', 'stop 130 true'])
  })

  it('asks at a terminal even when stdout is a pipe, and keeps stdout for the result', async () => {
    const out = join(await newFolder('out'), 'result')
    const person = await start(['prune', '--all'], out)
    await person.sees('Type 3 to go ahead:')
    person.types(`3${enter}`)

    expect(await person.ended).toMatchObject({ code: 0 })
    expect(await readFile(out, 'utf8')).toBe('deleted 3 jobs in all domains\n')
  })

  it('shows at a terminal what would go, group by group, before it asks', async () => {
    await world.jobs(2, { days: 1 })
    await world.jobs(1, { status: 'queued' })
    const person = await start(['prune', '--domain', 'chatbooks'])
    await person.sees('go ahead:')
    person.types(enter)

    const { screen } = await person.ended
    expect(screen).toMatch(/QUEUE +TYPE +STATUS +DELETE +KEEP +OLDEST\n/)
    expect(screen).toMatch(/chatbooks\/default +export +completed +3 +2 +\d{4}-\d\d-\d\d\n/)
    expect(screen).toContain('3 of 5 finished jobs would be deleted; 1 unfinished job is not eligible.')
  })

  it('counts no unfinished jobs beside a filter, which they are not compared with', async () => {
    await world.jobs(2, { owner_user_id: 'alice' })
    await world.jobs(5, { status: 'queued', owner_user_id: 'bob' })
    const person = await start(['prune', '--domain', 'chatbooks', '--owner', 'alice'])
    await person.sees('go ahead:')
    person.types(enter)
    const { screen } = await person.ended
    expect(screen).toContain('2 of 2 finished jobs would be deleted.')
    expect(screen).not.toContain('unfinished')
  })

  it('leaves alone a job that comes of age between the preview and the change', async () => {
    let young = 0
    const old = async () =>
      (await world.sql`select 1 from jobs where id = ${young} and completed_at < now() - interval '720 hours'`).length
    const between = await proxyOf(world.url, () => until('the job is old enough', old))
    const pruneWithin = async (seconds: number) => {
      ;[young = 0] = await world.jobs(1, { completed_at: ago(30 * 86_400 - seconds) })
      return world.jobsctl(['prune', '--all', '--yes'], { env: { JOBSCTL_URL: between.url } })
    }
    let [seconds, run] = [2, await pruneWithin(2)]
    // On a busy machine the job is of age before the preview.
    for (; run.out.startsWith('deleted 4 ') && seconds < 16; seconds *= 2) {
      await world.clear()
      await threeEach(world)
      run = await pruneWithin(2 * seconds)
    }

    expect(run).toEqual({ code: 0, out: 'deleted 3 jobs in all domains\n', err: '' })
    expect((await world.rows()).map(({ id }) => Number(id))).toContain(young)
  })

  it('gives a hint that a shell reads back as it was meant, whatever the names are', async () => {
    const domain = `it's a "domain" $HOME; #1 é`
    await world.jobs(2, { domain })
    const { err } = await world.jobsctl(['prune', '--domain', domain, '--max', '5', '--reason', 'a  b'])
    const [program, ...argv] = await wordsOf(/hint: (.*)\n/.exec(err)?.[1] ?? '')

    expect(program).toBe('jobsctl')
    expect(argv).toContain('--yes')
    expect(await world.jobsctl(argv)).toMatchObject({ code: 0, err: '' })
    expect(await world.events()).toMatchObject([{ domain, attrs_json: { affected: 2, reason: 'a  b' } }])
  })

  it('refuses a change without a scope, and says how to name one', async () => {
    const lines = [['prune'], ['sweep', '--age', '1d'], ['requeue'], ['integrity', '--fix']]
    const runs = await untouched(() => Promise.all(lines.map((argv) => world.jobsctl([...argv, '--yes']))))
    for (const run of runs) {
      expect(run).toMatchObject({ code: 2, out: '' })
      expect(run.err).toContain('hint: add --domain, or --all to mean every domain')
    }
  })
})

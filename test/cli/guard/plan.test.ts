import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newFolder } from '../../support/database/database.ts'
import { changeServer, changesOf, envOf, runAt } from '../../support/fakes/change-server.ts'
import { type FakeServer, fakeServer, jobsAnswer, previewOf } from '../../support/fakes/fake-server.ts'
import { otherServer } from '../../support/fakes/other-server.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { atTerminal, enter, startAtTerminal } from '../../support/programs/terminal.ts'

const prune = ['prune', '--domain', 'chatbooks', '--older-than', '30d']
const group = { domain: 'chatbooks', queue: 'default', job_type: 'export', status: 'completed', count: 190 }

const planPath = async () => join(await newFolder('plan'), 'plan.json')
const asJson = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'))

/** A server that previews 200 jobs, and changes them. */
const pruneServer = () =>
  fakeServer(({ headers }) =>
    headers['x-confirm']
      ? { body: { deleted: 200, operation_id: 17 } }
      : jobsAnswer(200, { preview: previewOf(200, { groups: [group] }) }),
  )

async function planned(server: FakeServer, argv = prune): Promise<string> {
  const path = await planPath()
  const run = await runAt(server, [...argv, '--dry-run', '--plan-out', path])
  expect(run).toMatchObject({ code: 0, err: '' })
  return path
}

describe('--plan-out', () => {
  it('writes what was previewed, for the eyes of its owner, beside the preview', async () => {
    const server = await pruneServer()
    const path = await planPath()
    const run = await runAt(server, [...prune, '--dry-run', '--plan-out', path, '--detailed-exitcode'])
    expect(run).toEqual({ code: 10, out: 'would delete 200 jobs in chatbooks\n', err: '' })
    expect(await asJson(path)).toEqual({
      jobsctl_plan: 1,
      operation: 'prune',
      url: `${server.url}/`,
      made_at: expect.stringMatching(/^\d{4}-.+Z$/),
      expires_at: previewOf(200).expires_at,
      words: prune,
      calls: [
        {
          request: { statuses: ['completed', 'failed', 'cancelled'], older_than_days: 30, domain: 'chatbooks' },
          preview: previewOf(200, { groups: [group] }),
        },
      ],
    })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('writes where a process that was killed has left a part, as one with the same id in a container', async () => {
    const path = await planPath()
    await writeFile(`${path}.${process.pid}.tmp`, '{"jobsctl_plan": 1, "oper')
    const run = await runAt(await pruneServer(), [...prune, '--dry-run', '--plan-out', path])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(await asJson(path)).toMatchObject({ operation: 'prune' })
  })

  it('the preview for programs is the answer of the server, without the token', async () => {
    const server = await pruneServer()
    const { out } = await runAt(server, [...prune, '--dry-run', '--json'])
    const { token, ...preview } = previewOf(200, { groups: [group] })
    expect(JSON.parse(out)).toMatchObject({ operation: 'prune', dry_run: true, affected: 200, preview })
    expect(out).not.toContain(token)
  })

  it('needs --dry-run, and overwrites a plan and nothing else', async () => {
    const server = await pruneServer()
    const path = await planned(server)
    const other = join(await newFolder('plan'), 'notes')
    await writeFile(other, 'mine')
    const sentBefore = server.requests.length
    const [alone, taken, nowhere] = await Promise.all([
      runAt(server, [...prune, '--plan-out', path, '--yes']),
      runAt(server, [...prune, '--plan-out', other, '--dry-run']),
      runAt(server, ['integrity', '--all', '--plan-out', path, '--dry-run']),
    ])
    expect(alone).toMatchObject({ code: 2, err: 'error: --plan-out needs --dry-run\n  hint: jobsctl prune --help\n' })
    expect(taken).toMatchObject({ code: 2, out: '', err: expect.stringContaining('it was not overwritten') })
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('--plan-out needs --fix') })
    expect(server.requests).toHaveLength(sentBefore)
    expect(await readFile(other, 'utf8')).toBe('mine')
    expect(await runAt(server, [...prune, '--plan-out', path, '-n'])).toMatchObject({ code: 0 })
  })

  it.each(['-', '/dev/full', '/dev/stdout', '/tmp'])(
    '%s is no file for a plan, which is reported before anything is sent',
    async (path) => {
      const server = await pruneServer()
      expect(await runAt(server, [...prune, '--dry-run', '--plan-out', path])).toEqual({
        code: 2,
        out: '',
        err: `error: --plan-out: ${path} is not a regular file; nothing was written\n  hint: a plan needs a file of its own, such as plan.json\n`,
      })
      expect(server.requests).toEqual([])
    },
  )

  it('writes nothing where a preview binds nothing, or the folder is missing', async () => {
    const foreign = await otherServer({ prunable: 5, overdue: 0, quarantined: 0, leased: 0, expired: 0 })
    const path = await planPath()
    const [unbound, missing] = await Promise.all([
      runAt(foreign, [...prune, '--dry-run', '--plan-out', path]),
      runAt(await pruneServer(), [...prune, '--dry-run', '--plan-out', join(path, 'no', 'such')]),
    ])
    expect(unbound).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('--plan-out: this server gives no'),
    })
    expect(missing).toMatchObject({ code: 2, out: '', err: expect.stringContaining('no plan was written') })
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })
})

describe('apply', () => {
  it('makes the change with the tokens of the plan, and previews nothing anew', async () => {
    const server = await pruneServer()
    const path = await planned(server)
    const [dry, refused] = await Promise.all([
      runAt(server, ['apply', path, '--dry-run']),
      runAt(server, ['apply', path]),
    ])
    expect(dry).toEqual({ code: 0, out: 'would delete 200 jobs in chatbooks\n', err: '' })
    expect(refused).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining(`hint: jobsctl apply ${path} --yes`),
    })
    expect(server.requests).toHaveLength(2) // the dry run asks the server about the plan

    const done = await runAt(server, ['apply', path, '--yes', '--json'])
    expect(JSON.parse(done.out)).toMatchObject({ operation: 'prune', affected: 200, operation_ids: [17] })
    expect(server.requests).toHaveLength(3)
    expect(changesOf(server)).toMatchObject([{ path: '/api/v1/jobs/prune', body: { preview_token: 'token-of-200' } }])
  })

  it('one token for each call: a requeue of many domains is planned and applied as such', async () => {
    const row = { queue: 'default', job_type: 'a', queued: 0, scheduled: 0, processing: 0, quarantined: 9 }
    const server = await fakeServer(({ path, body, headers }) => {
      if (path.includes('/stats')) return { body: ['one', 'two'].map((domain) => ({ domain, ...row })) }
      const domain = String(Reflect.get(Object(body), 'domain'))
      return headers['x-confirm']
        ? { body: { affected: 9, operation_id: domain.length } }
        : jobsAnswer(9, { preview: previewOf(9, { token: `token of ${domain}` }) })
    })
    const path = await planned(server, ['requeue', '--all'])
    const run = await runAt(server, ['apply', path, '--yes'])
    expect(run).toEqual({ code: 0, out: 'requeued 18 jobs in all domains\n', err: '' })
    expect(changesOf(server).map(({ body }) => body)).toEqual(
      ['one', 'two'].map((domain) => ({ domain, dry_run: false, max: 9, preview_token: `token of ${domain}` })),
    )
  })

  it('at a terminal shows the plan, and asks for its count', async () => {
    const server = await pruneServer()
    const path = await planned(server)
    const person = await startAtTerminal(['apply', path], { env: envOf(server) })
    await person.sees('Type 200 to go ahead:')
    person.types(`200${enter}`)
    const { code, screen } = await person.ended
    expect(code).toBe(0)
    expect(screen).toContain(`Plan of jobsctl ${prune.join(' ')}\nMade `)
    expect(screen).toMatch(
      /QUEUE +TYPE +STATUS +JOBS\nchatbooks\/default +export +completed +190\nand 10 jobs in smaller groups/,
    )
    expect(screen).toContain('deleted 200 jobs in chatbooks\nTo undo it:  jobsctl undo 17\n')
  })

  it('keeps to --max, and to a protected profile', async () => {
    const server = await pruneServer()
    const path = await planned(server)
    const prod = { url: server.url, api_key_file: await secretFile('key'), protected: true, max: 300 }
    const { env } = await configHome({ default: 'prod', profiles: { prod } })
    const [above, unnamed] = await Promise.all([
      runAt(server, ['apply', path, '--yes', '--max', '199']),
      runJobsctl(['apply', path, '--yes'], { env }),
    ])
    expect(above).toMatchObject({ code: 8, err: expect.stringContaining('200 jobs match, above the limit of 199') })
    expect(unnamed).toMatchObject({ code: 2, err: expect.stringContaining('the profile prod is protected') })
    expect(changesOf(server)).toEqual([])

    const named = await startAtTerminal(['apply', path, '--profile', 'prod'], { env })
    await named.sees('Type prod to go ahead:')
    named.types(`prod${enter}`)
    expect(await named.ended).toMatchObject({ code: 0 })
    expect(changesOf(server)).toMatchObject([{ body: { preview_token: 'token-of-200', max: 200 } }])
  })

  it('holds the server to what the plan shows, were it less than what its token says', async () => {
    const server = await pruneServer()
    const path = await planned(server)
    await writeFile(path, (await readFile(path, 'utf8')).replace('"count": 200', '"count": 1'))
    expect(await runAt(server, ['apply', path, '--dry-run'])).toMatchObject({
      out: 'would delete 1 job in chatbooks\n',
    })
    await runAt(server, ['apply', path, '--yes'])
    const { out } = await runAt(server, ['apply', path, '--yes', '--curl'])
    expect(changesOf(server)).toMatchObject([{ body: { preview_token: 'token-of-200', max: 1 } }])
    expect(out).toContain('"max":1')
  })

  it('is refused at another server, and where the preview is stale', async () => {
    const server = await pruneServer()
    const path = await planned(server)
    const detail = 'the preview has been used'
    const stale = await changeServer(() => ({ status: 409, body: { code: 'preview_stale', detail } }))
    const old = await planned(stale)
    const [elsewhere, used] = await Promise.all([
      runAt(stale, ['apply', path, '--yes']),
      runAt(stale, ['apply', old, '--yes']),
    ])
    expect(elsewhere).toMatchObject({ code: 2, err: expect.stringContaining(`was made for ${server.url}/, not for`) })
    expect(used).toMatchObject({
      code: 6,
      err: expect.stringContaining(`error: ${detail}\n  hint: to preview it again: `),
    })
  })

  it('refuses what is no plan, clearly', async () => {
    const server = await pruneServer()
    const plan = await readFile(await planned(server), 'utf8')
    const folder = await newFolder('plan')
    const files: [string, string, RegExp][] = [
      ['text', 'hello', /is not JSON/],
      ['config', '{"profiles":{}}', /is not a plan\n/],
      ['newer', plan.replace('"jobsctl_plan": 1', '"jobsctl_plan": 2'), /is a plan of version 2/],
      ['less', plan.replace('"operation": "prune"', '"operation": "drop"'), /is not a valid plan\n {2}operation: /],
      ['odd', plan.replace('"older_than_days": 30', '"older_than_days": 0'), /the plan is not valid: --older-than: /],
      ['more', plan.replace('"older_than_days": 30', '"force": true'), /the plan is not valid: force: /],
    ]
    const runs = await Promise.all(
      files.map(async ([name, text]) => {
        await writeFile(join(folder, name), text)
        return runAt(server, ['apply', join(folder, name), '--yes'])
      }),
    )
    for (const [at, [name, , pattern]] of files.entries()) {
      expect(runs[at], name).toMatchObject({ code: 2, out: '', err: expect.stringMatching(pattern) })
    }
    expect(await runAt(server, ['apply', join(folder, 'none')])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no such file'),
    })
    expect(changesOf(server)).toEqual([])
  })

  it('takes no flag that has no meaning here; --curl --yes prints the calls', async () => {
    const server = await pruneServer()
    const path = await planned(server)
    const wrong = [['--plan-out', path, '-n'], ['--yes', '--no-preview'], ['--curl'], ['--detailed-exitcode']]
    const runs = await Promise.all(wrong.map((more) => runAt(server, ['apply', path, ...more])))
    expect(runs.map(({ code }) => code)).toEqual([2, 2, 2, 2])
    const { code, out } = await runAt(server, ['apply', path, '--curl', '--yes'])
    expect(code).toBe(0)
    expect(out).toContain('"preview_token":"token-of-200"')
    expect(out).toContain('-H "X-Confirm: true"')
    expect(await atTerminal(['apply'])).toMatchObject({ code: 2 })
    expect(server.requests).toHaveLength(1)
  })
})

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bashLine } from '../../../../cli/commands/completion/bash-line.ts'
import { newFolder } from '../../../support/database/database.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { until } from '../../../support/poll.ts'
import { configHome, secretFile } from '../../../support/programs/config-home.ts'
import { type JobsctlOptions, runJobsctl } from '../../../support/programs/jobsctl.ts'

const group = { job_type: 'export', queued: 1, scheduled: 0, processing: 0, quarantined: 0 }

/** The words that complete the last word of a line, as zsh asks for them. */
async function completed(words: string[], options?: JobsctlOptions): Promise<string[]> {
  const last = words.at(-1) ?? ''
  const run = await runJobsctl(['completion', 'zsh', '--', ...words.slice(0, -1), `:${last}`], options)
  expect(run).toMatchObject({ code: 0, err: '' })
  return run.out.split('\n').flatMap((line) => (line === '' ? [] : [line.replace(/\t.*/, '')]))
}

/** The words, as soon as a server answers in the 700 ms that it gets: a busy machine takes longer now and then. */
const live = (words: string[], options: JobsctlOptions) => expect.poll(() => completed(words, options))

describe('completion', () => {
  it.each([
    [['pru'], ['prune']],
    [['--json', 'pru'], ['prune']],
    [['prune', '--older'], ['--older-than']],
    [['show', '8', '--payl'], ['--payload']],
    [['enqueue', 'a/b', '--payload', '{}', '--payl'], []],
    [
      ['--output', ''],
      ['table', 'tsv', 'json', 'ndjson'],
    ],
    [['-o', 'nd'], ['ndjson']],
    [['list', '--output=js'], ['--output=json']],
    [
      ['list', '--status', 'failed,qu'],
      ['failed,queued', 'failed,quarantined'],
    ],
    [['prune', '--status', 'failed,fa'], []],
    [['list', '--columns', 'id,uu'], ['id,uuid']],
    [
      ['sweep', '--action', ''],
      ['cancel', 'fail'],
    ],
    [['config', 's'], ['set']],
    [['config', 'set', ''], []],
    [
      ['token', 're'],
      ['resume', 'revoke'],
    ],
    [['token', 'create', 'x', '--role', 'w'], ['worker']],
    [
      ['token', 'set-role', 'ffffffffffff', 'a'],
      ['auditor', 'admin'],
    ],
    [['token', 'create', ''], []],
    [['help', 'exit'], ['exit-codes']],
    [['help', 'pru'], ['prune']],
    [['apply', ''], [':files']],
    [['policy', 'apply', ''], [':files']],
    [['plans', 'show', ''], []],
    [
      ['threshold', 'a/b', ''],
      ['off', 'server'],
    ],
    [['--api-key-file', 'x'], [':files']],
    [['completion', 'po'], ['powershell']],
    [['stats', 'x'], []],
    [['nothing', '--dom'], []],
    [['list', '--', '--dom'], []],
    [['prune', '--dry-ru'], ['--dry-run']],
    [['list', '--dry-ru'], []],
    [['--vers'], ['--version']],
    [['list', '--hel'], ['--help']],
  ])('of %j is %j, without a server', async (words, expected) => {
    expect(await completed(words)).toEqual(expected)
  })

  it('has the names of the server in the scope of the line', async () => {
    const groups = [
      { ...group, domain: 'b', queue: 'low' },
      { ...group, domain: 'a', queue: 'high', job_type: 'import' },
    ]
    const server = await fakeServer(({ path }) => {
      const scope = new URL(path, 'http://x').searchParams
      return { body: groups.filter(({ domain }) => (scope.get('domain') ?? domain) === domain) }
    })
    const options = { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } }
    await live(['list', '--domain', ''], options).toEqual(['a', 'b'])
    await live(['list', '--domain', 'b', '--queue', ''], options).toEqual(['low'])
    await live(['list', '--domain=a', '--job-type='], options).toEqual(['--job-type=import'])
    await live(['pause', ''], options).toEqual(['a/high', 'b/low'])
    await live(['explain', 'b'], options).toEqual(['b/low'])
  })

  it('uses the target of the line, and no key that a command or stdin would give', async () => {
    const server = await fakeServer(() => ({ body: [{ ...group, domain: 'a', queue: 'b' }] }))
    const ran = join(await newFolder('ran'), 'ran')
    const prod = { url: server.url, api_key_file: await secretFile('key') }
    const { env } = await configHome({ profiles: { prod, asks: { url: server.url, api_key_command: ['touch', ran] } } })
    await live(['list', '--profile', 'prod', '--domain', ''], { env }).toEqual(['a'])
    const asked = server.requests.length
    expect(await completed(['list', '--profile', 'asks', '--domain', ''], { env })).toEqual([])
    const stdin = ['list', '--url', server.url, '--api-key-file', '-', '--domain', '']
    expect(await completed(stdin, { env, stdin: 'key' })).toEqual([])
    expect(await completed(['list', '--profile', ''], { env })).toEqual(['prod', 'asks'])
    expect(server.requests).toHaveLength(asked)
    await expect(stat(ran)).rejects.toThrow('ENOENT')
  })

  it.each([
    ['a wrong key', { status: 401, body: { detail: 'no' } }],
    ['an answer that is none', { body: 'text' }],
    ['a proxy', { status: 502, body: 'text' }],
    ['a broken connection', 'reset'],
  ] as const)('%s means no words and no error, after one request', async (_what, answer) => {
    const server = await fakeServer(() => answer)
    const options = { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key', JOBSCTL_DEBUG: 'http' } }
    // On a busy machine the time is over before a request is sent.
    const sent = await until('a request was sent', async () => {
      expect(await completed(['list', '--domain', ''], options)).toEqual([])
      return server.requests.length
    })
    expect(sent).toBe(1)
  })

  it('leaves out names that a shell would act on, and control characters', async () => {
    const names = [
      '$(a)',
      '`a`',
      'a b',
      "a'",
      'a"',
      'a;b',
      'a&b',
      '-a',
      '~a',
      '=a',
      'a*',
      'a?',
      'a\\b',
      '\u001b[2J',
      'a\tb',
      '',
    ]
    const good = ['Ünïcode', 'a.b', 'a:b', 'a@b', 'a_b', 'a-b']
    const server = await fakeServer(() => ({
      body: [...names, ...good].map((domain) => ({ ...group, domain, queue: 'q' })),
    }))
    const options = { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } }
    await expect.poll(async () => (await completed(['list', '--domain', ''], options)).sort()).toEqual([...good].sort())
  })

  it('bash gets the part of the word that it completes', async () => {
    const ask = async (typed: string, line: string) =>
      (await runJobsctl(['completion', 'bash', '--', `:${typed}`, `:${line}`])).out
    expect(await ask('js', 'jobsctl list --output=js')).toBe('json\t\n')
    expect(await ask('', 'jobsctl list --output=')).toBe('table\t\ntsv\t\njson\t\nndjson\t\n')
    expect(await ask("'js", "jobsctl list --output 'js")).toBe('json\t\n')
  })

  it('any text is a line of bash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(bashLine(text).before).toBeInstanceOf(Array)
      }),
    )
    expect(bashLine(`jobsctl a\\ b 'c  d' "e\\"f"g  h`)).toEqual({ before: ['a b', 'c  d', 'e"fg'], current: 'h' })
  })

  it('an unknown shell is refused', async () => {
    const run = await runJobsctl(['completion', 'tcsh'])
    expect(run).toMatchObject({ code: 2, out: '', err: expect.stringContaining('bash, zsh, fish, powershell') })
  })
})

import { constants } from 'node:fs'
import { chmod, open, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../support/database/database.ts'
import { type FakeServer, fakeServer, jobsAnswer } from '../../support/fakes/fake-server.ts'
import { until } from '../../support/poll.ts'
import { built } from '../../support/programs/built.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { type JobsctlOptions, runJobsctl, startJobsctl } from '../../support/programs/jobsctl.ts'
import { shell } from '../../support/programs/shell.ts'
import { ctrlD, enter, startAtTerminal } from '../../support/programs/terminal.ts'

// Each of these tests has servers of its own, and some wait for seconds.
const it = test.concurrent

const listening = () => fakeServer(() => ({ body: [] }))
const stats = (argv: string[], options: JobsctlOptions) => runJobsctl(['stats', ...argv], options)
const headersOf = ({ requests }: FakeServer) =>
  requests.map(({ headers }) => [headers['x-api-key'], headers.authorization].filter((value) => value !== undefined))

it('quotes the path in the command that mends its mode', async () => {
  const path = join(await newFolder("it's $HOME"), 'key')
  await writeFile(path, 'file-key\n', { mode: 0o644 })
  const { code, err } = await stats(['--api-key-file', path], { env: { JOBSCTL_URL: (await listening()).url } })
  expect(code).toBe(2)
  const command = /hint: (.+)\n/.exec(err)?.[1] ?? ''
  expect(await shell(command, {})).toMatchObject({ code: 0 })
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

it.each(['644', '640', '604', '660'])('refuses a key file of mode %s, and says how to mend it', async (mode) => {
  const server = await listening()
  const path = await secretFile('file-key')
  await chmod(path, Number.parseInt(mode, 8))
  const [flag, variable] = await Promise.all([
    stats(['--api-key-file', path], { env: { JOBSCTL_URL: server.url } }),
    stats([], { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY_FILE: path } }),
  ])

  expect(flag).toEqual({
    code: 2,
    out: '',
    err: `error: --api-key-file: others can read ${path}; the key was not used\n  hint: chmod 600 ${path}\n`,
  })
  expect(variable).toMatchObject({ code: 2, err: expect.stringContaining('JOBSCTL_API_KEY_FILE: others can read') })
  expect(server.requests).toEqual([])
})

it.each([
  ['440', 0],
  ['444', 2],
  ['460', 2],
])(
  'a credential of systemd, which its unit reads by an access control list, may have mode %s: exit %i',
  async (mode, code) => {
    const server = await listening()
    const path = await secretFile('file-key')
    await chmod(path, Number.parseInt(mode, 8))
    const env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY_FILE: path, CREDENTIALS_DIRECTORY: dirname(path) }
    expect(await stats([], { env })).toMatchObject({ code })
  },
)

it('takes a file for a credential by the folder in which it is, however its path is written', async () => {
  const server = await listening()
  const [inside, outside] = [await secretFile('file-key'), await secretFile('file-key')]
  for (const path of [inside, outside]) await chmod(path, 0o440)
  const folder = dirname(inside)
  const codeOf = async (path: string, credentials = folder) => {
    const env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY_FILE: path, CREDENTIALS_DIRECTORY: credentials }
    return (await stats([], { env })).code
  }
  expect(await codeOf(`${folder}/${relative(folder, outside)}`)).toBe(2)
  expect(await codeOf(inside.replace(folder, `${folder}/`))).toBe(0)
  expect(await codeOf(inside, `${folder}/`)).toBe(0)
  expect(await codeOf(`${folder}/../${basename(folder)}/${basename(inside)}`)).toBe(0)
  expect(await codeOf(outside)).toBe(2)
})

it('reads a key from a file, from stdin, from a variable and from a command', async () => {
  const server = await listening()
  const command = { url: server.url, api_key_command: ['printf', '%s\\n', 'a;b$(c)'] }
  const { env } = await configHome({ profiles: { command } })
  const there = { JOBSCTL_URL: server.url }
  const file = await secretFile('from-file')

  const runs = [
    await stats(['--api-key-file', file], { env: there }),
    await stats(['--api-key-file', '-'], { env: there, stdin: 'from-stdin\n' }),
    await stats([], { env: { ...there, JOBSCTL_API_KEY_FILE: file } }),
    await stats([], { env: { ...there, JOBSCTL_API_KEY: 'from-variable' } }),
    await stats(['--profile', 'command'], { env }),
  ]
  expect(runs.map(({ code, err }) => `${code}${err}`)).toEqual(Array(5).fill('0'))
  expect(headersOf(server)).toEqual([['from-file'], ['from-stdin'], ['from-file'], ['from-variable'], ['a;b$(c)']])
})

it('sends a token as a bearer token, wherever it comes from', async () => {
  const server = await listening()
  const profile = { url: server.url, token_command: ['printf', 'from-command'] }
  const { env } = await configHome({ profiles: { p: profile } })
  const there = { JOBSCTL_URL: server.url }
  const file = await secretFile('from-file')
  await stats(['--token-file', file], { env: there })
  await stats(['--token-file', '-'], { env: there, stdin: 'from-stdin' })
  await stats([], { env: { ...there, JOBSCTL_TOKEN_FILE: file } })
  await stats([], { env: { ...there, JOBSCTL_TOKEN: 'from-variable' } })
  await stats(['--profile', 'p'], { env })

  const tokens = ['from-file', 'from-stdin', 'from-file', 'from-variable', 'from-command']
  expect(headersOf(server)).toEqual(tokens.map((token) => [`Bearer ${token}`]))
})

it('refuses a secret that cannot be one, without repeating it', async () => {
  const there = { JOBSCTL_URL: 'http://127.0.0.1:1' }
  const folder = await secretFile('x')
  const runs = await Promise.all([
    stats(['--api-key-file', '-'], { env: there, stdin: '' }),
    stats(['--api-key-file', '-'], { env: there, stdin: 'two-words here' }),
    stats(['--api-key-file', '-'], { env: there, stdin: 'kéy-words' }),
    stats(['--api-key-file', '-'], { env: there, stdin: 'line-words\r\nX-Confirm: true' }),
    stats(['--api-key-file', `${folder}/none`], { env: there }),
    stats(['--api-key-file', `${folder}-none`], { env: there }),
    stats([], { env: { ...there, JOBSCTL_API_KEY: 'two-words here' } }),
    stats(['--api-key-file', folder, '--token-file', folder], { env: there }),
    stats([], { env: { ...there, JOBSCTL_API_KEY: 'a', JOBSCTL_TOKEN: 'b' } }),
  ])
  for (const run of runs) {
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toMatch(/^error: (--api-key-file|JOBSCTL_API_KEY)\b/)
    expect(run.err).not.toContain('words')
  }
})

it('a command that fails, is missing or hangs ends with its name, and not with what it printed', async () => {
  const url = 'http://127.0.0.1:1'
  const profiles = {
    fails: { url, api_key_command: ['sh', '-c', 'echo printed-secret; echo printed-secret >&2; exit 3'] },
    missing: { url, api_key_command: ['no-such-program-here'] },
    hangs: { url, api_key_command: ['sleep', '60'] },
    silent: { url, api_key_command: ['true'] },
  }
  const { env } = await configHome({ profiles })
  const runs = await Promise.all(Object.keys(profiles).map((name) => stats(['--profile', name], { env })))

  for (const [at, { code, out, err }] of runs.entries()) {
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(new RegExp(`^error: profiles\\.${Object.keys(profiles)[at]}\\.api_key_command: `))
    expect(err).not.toContain('printed-secret')
  }
})

it('does not ask at a terminal from which the key was read', async () => {
  const server = await fakeServer(() => jobsAnswer(2))
  const person = await startAtTerminal(['prune', '--all', '--api-key-file', '-'], { env: { JOBSCTL_URL: server.url } })
  person.types(`key-from-stdin${enter}${ctrlD}`)

  const { code, screen } = await person.ended
  expect(code).toBe(3)
  expect(screen).toContain('refusing to change anything without --yes')
  expect(headersOf(server)).toEqual([['key-from-stdin']])
})

/** A pipe with a name, at which nobody says anything. */
async function silentPipe(): Promise<string> {
  const path = join(await newFolder('pipe'), 'key')
  await shell(`mkfifo -m 600 '${path}'`)
  return path
}

/** Somebody at its other end, who says nothing: that can only be where somebody reads. */
const heldOpen = (path: string) =>
  until('somebody reads from the pipe', () =>
    open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch(() => undefined),
  )

it.each([
  ['SIGINT', 130, 'interrupted'],
  ['SIGTERM', 143, 'terminated'],
] as const)('%s ends the wait for a key, a payload and a plan at a pipe', async (signal, code, word) => {
  const env = { JOBSCTL_URL: 'http://127.0.0.1:1', JOBSCTL_API_KEY: 'key' }
  const lines = [
    (path: string) => ['stats', '--api-key-file', path],
    (path: string) => ['enqueue', 'a/b', '--job-type', 'c', '--payload', `@${path}`],
    (path: string) => ['apply', path],
  ]
  const ended = await Promise.all(
    lines.map(async (line) => {
      const path = await silentPipe()
      const child = await startJobsctl(line(path), { env })
      const writer = await heldOpen(path)
      child.process.kill(signal)
      return child.ended.finally(() => writer.close())
    }),
  )
  expect(ended).toEqual(Array(3).fill({ code, out: '', err: `error: ${word}\n` }))
})

it('the deadline ends it, too; a pipe that says the key is as good as a file', async () => {
  const server = await listening()
  const env = { JOBSCTL_URL: server.url }
  const path = await silentPipe()
  expect(await stats(['--api-key-file', path, '--timeout', '1'], { env })).toEqual({
    code: 7,
    out: '',
    err: `error: --api-key-file: ${path} did not end within 1 s\n`,
  })
  const { out } = await shell(`(echo from-pipe >'${path}') & '${process.execPath}' '${built.jobsctl}' stats --json`, {
    env: { ...env, JOBSCTL_API_KEY_FILE: path },
  })
  expect(out).toBe('[]\n')
  expect(headersOf(server)).toEqual([['from-pipe']])
})

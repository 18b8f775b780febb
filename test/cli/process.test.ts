import { mkdir, writeFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exits } from '../../shared/exits.ts'
import { newFolder } from '../support/database/database.ts'
import { isChange } from '../support/fakes/change-server.ts'
import { type FakeRequest, fakeServer, jobsAnswer, type Reply } from '../support/fakes/fake-server.ts'
import { secretFile } from '../support/programs/config-home.ts'
import { type JobsctlOptions, jobsctlProcess, runJobsctl } from '../support/programs/jobsctl.ts'

const group = {
  ...{ domain: 'chatbooks', queue: 'default', job_type: 'export' },
  ...{ queued: 1, scheduled: 0, processing: 1, quarantined: 0 },
}

const problem = (status: number, code: string): Reply => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: { type: 'about:blank', title: code, status, detail: `answered with ${code}`, code, request_id: 'r-1' },
})

/** Refuses what a key or a domain says; else previews three jobs, and changes them. */
function reply(request: FakeRequest): Reply {
  if (request.headers['x-api-key'] === 'wrong') return problem(401, 'unauthenticated')
  if (request.headers['x-api-key'] === 'odd') return { body: [{ ...group, queued: -1 }] }
  if (request.path.startsWith('/api/v1/jobs/stats')) return { body: [group] }
  if (request.path.startsWith('/api/v1/jobs/operations')) return problem(404, 'not_found')
  if (request.text.includes('"locked"')) return problem(409, 'conflict')
  if (request.text.includes('"broken"')) return problem(500, 'internal')
  if (request.text.includes('"away"')) return problem(503, 'database_unavailable')
  return jobsAnswer(3)
}

interface Line {
  argv: string[]
  exit: keyof typeof exits
  options?: JobsctlOptions
}

/** A command line for each exit code that needs no signal, and for each way in which a process is given something. */
const lines: Line[] = [
  { argv: [], exit: 'ok' },
  { argv: ['--version'], exit: 'ok' },
  { argv: ['-V'], exit: 'ok' },
  { argv: ['--help'], exit: 'ok' },
  { argv: ['-h'], exit: 'ok' },
  { argv: ['stats', '--help'], exit: 'ok' },
  { argv: ['help', 'exit-codes'], exit: 'ok' },
  { argv: ['stats'], exit: 'ok' },
  { argv: ['stats', '--json'], exit: 'ok' },
  { argv: ['stats', '--domain', 'a'], exit: 'ok' },
  { argv: ['stats', '--domain', 'a'.repeat(129)], exit: 'usage' },
  { argv: ['stats'], exit: 'failed', options: { env: { JOBSCTL_API_KEY: 'odd' } } },
  { argv: ['stats', '-o', 'table'], exit: 'ok' },
  { argv: ['--json', 'stats'], exit: 'ok' },
  { argv: ['stats', '--api-key-file', '-'], exit: 'ok', options: { stdin: 'key\n' } },
  { argv: ['prune', '--domain', 'a', '--yes'], exit: 'ok' },
  { argv: ['prune', '--domain', 'a', '--dry-run', '--curl'], exit: 'ok' },
  { argv: ['prnue'], exit: 'usage' },
  { argv: ['stats', '--domian', 'x'], exit: 'usage' },
  { argv: ['stats', 'help'], exit: 'usage' },
  { argv: ['show', '1', '2'], exit: 'usage' },
  { argv: ['--json', 'server'], exit: 'usage' },
  { argv: ['prune', '--domain', 'a'], exit: 'not_confirmed' },
  { argv: ['stats'], exit: 'auth', options: { env: { JOBSCTL_API_KEY: 'wrong' } } },
  { argv: ['stats'], exit: 'auth', options: { env: { JOBSCTL_API_KEY: undefined } } },
  { argv: ['stats', '--profile', 'none'], exit: 'not_found' },
  { argv: ['operations', '17', '--json'], exit: 'not_found' },
  { argv: ['prune', '--domain', 'locked', '--yes'], exit: 'conflict' },
  { argv: ['prune', '--domain', 'broken', '--yes'], exit: 'failed' },
  { argv: ['prune', '--domain', 'away', '--yes'], exit: 'unavailable' },
  { argv: ['prune', '--domain', 'a', '--yes', '--max', '2'], exit: 'over_limit' },
  { argv: ['prune', '--domain', 'a', '--dry-run', '--detailed-exitcode'], exit: 'would_change' },
]

describe('jobsctl as a process', () => {
  it.each(lines.map((line) => ({ ...line, words: ['jobsctl', ...line.argv].join(' ') })))(
    'does what the function behind it does: $words ends with $exit',
    async ({ argv, exit, options }) => {
      const server = await fakeServer(reply)
      const given: JobsctlOptions = {
        ...options,
        env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key', JOBSCTL_RETRIES: '0', ...options?.env },
      }
      const [here, there] = await Promise.all([runJobsctl(argv, given), jobsctlProcess(argv, given)])
      expect(there).toEqual(here)
      expect(there.code).toBe(exits[exit].code)
    },
  )

  it('is jobs-server after the word server, with its flags, its errors and its exit codes', async () => {
    const [asked, wrong] = await Promise.all([
      jobsctlProcess(['server', 'token', '--help']),
      jobsctlProcess(['server', 'nonsense', '--json']),
    ])
    expect(asked).toMatchObject({ code: 0, out: expect.stringContaining('Usage: jobs-server token'), err: '' })
    expect(wrong).toMatchObject({ code: exits.usage.code, out: '', err: expect.stringContaining('hint:') })
  })

  it('finds its config in the home of its user, and names the user and the host in the reason of a change', async () => {
    const server = await fakeServer(reply)
    const home = await newFolder('home')
    await mkdir(join(home, '.config', 'jobsctl'), { recursive: true })
    const config = { profiles: { here: { url: server.url, api_key_file: await secretFile('key') } } }
    await writeFile(join(home, '.config', 'jobsctl', 'config.json'), JSON.stringify(config), { mode: 0o600 })

    const env = { HOME: home, XDG_CONFIG_HOME: undefined }
    const argv = ['prune', '--domain', 'a', '--yes', '--profile', 'here']
    expect(await jobsctlProcess(argv, { env })).toMatchObject({ code: 0, err: '' })
    expect(server.requests.filter(isChange).map(({ headers }) => headers['x-reason'])).toEqual([
      `jobsctl by ${userInfo().username}@${hostname()}`,
    ])
  })
})

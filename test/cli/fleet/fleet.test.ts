import { writeFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { membersOf } from '../../../cli/fleet/members.ts'
import { deadServer, fakeServer, type Reply } from '../../support/fakes/fake-server.ts'
import { until } from '../../support/poll.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { openWorld } from '../../support/world.ts'

const group = {
  domain: 'mail',
  queue: 'high',
  job_type: 'send',
  queued: 3,
  scheduled: 0,
  processing: 1,
  quarantined: 0,
}
const answering = (body: unknown, status = 200) => fakeServer((): Reply => ({ status, body }))
const problem = (status: number, code: string) => answering({ code, detail: 'no' }, status)

const noTimes = {
  available_at: null,
  created_at: null,
  acquired_at: null,
  started_at: null,
  leased_until: null,
  completed_at: null,
}

interface Member {
  url: string
  api_key_file: string
}

let key: string
beforeAll(async () => {
  key = await secretFile('key')
})

const at = ({ url }: { url: string }): Member => ({ url, api_key_file: key })

/** Runs a command with profiles of these names. */
async function run(argv: string[], profiles: Record<string, Member>, config: object = {}) {
  const { env } = await configHome({ profiles, ...config })
  return runJobsctl(argv, { env })
}

it('asks 40 profiles; those that hang, refuse or have another version are named, and all others are printed', async () => {
  const [good, hanging, refusing, other] = await Promise.all([
    answering([group]),
    fakeServer((): Reply => 'silence'),
    deadServer(),
    answering('<html>', 200),
  ])
  const members = Array.from({ length: 40 }, (_, n) => {
    const server = n < 10 ? hanging : n < 15 ? refusing : n < 18 ? other : good
    return [`p${String(n).padStart(3, '0')}`, at(server)] as const
  })
  const { code, out, err } = await run(
    ['stats', '--fleet', 'p*', '--profile-timeout', '5s', '--tsv'],
    Object.fromEntries(members),
  )

  const named = [...err.matchAll(/^error: (p\d+): (.*)$/gm)].map(([, name = '', why = '']) => [name, why] as const)
  expect(code).toBe(9)
  expect(out.split('\n').filter(Boolean)).toEqual(
    members.slice(18).map(([name]) => `${name}\tmail\thigh\tsend\t3\t0\t1\t0`),
  )
  expect(named.map(([name]) => name)).toEqual(members.slice(0, 18).map(([name]) => name))
  expect(named.slice(0, 10).every(([, why]) => /did not answer|timed out|no answer/.test(why))).toBe(true)
  expect(err).toContain('18 of 40 profiles gave no rows\n')
})

it('ends with 4 where all refuse the credentials, 2 where all refuse the flags, and 7 where none answers', async () => {
  const [locked, refusing, good] = await Promise.all([
    problem(401, 'unauthenticated'),
    deadServer(),
    answering([group]),
  ])
  const code = async (argv: string[], profiles: Record<string, Member>) => (await run(argv, profiles)).code
  const stats = ['stats', '--fleet', '*', '--retries', '0']
  expect(await code(stats, { a: at(locked), b: at(locked) })).toBe(4)
  expect(await code(stats, { a: at(locked), b: at(refusing) })).toBe(7)
  expect(await code(stats, { a: at(locked), b: at(good) })).toBe(9)
  expect(await code(['history', '--fleet', '*', '--since', 'long ago'], { a: at(good), b: at(good) })).toBe(2)
})

it('prints JSON, chosen columns and templates with the name of the profile', async () => {
  const good = await answering([group])
  const profiles = { eu: at(good), us: at(good) }
  const one = (name: string) => ({ profile: name, ...group })
  const json = await run(['stats', '--fleet', '--json'], profiles, { fleet: 'eu,us' })
  expect(JSON.parse(json.out)).toEqual([one('eu'), one('us')])
  const lines = await run(['--fleet', 'stats', '--ndjson'], profiles, { fleet: '?s' })
  expect(JSON.parse(lines.out)).toEqual(one('us'))
  const columns = await run(['stats', '--fleet=*', '--columns', 'queue,profile', '--tsv'], profiles)
  expect(columns).toMatchObject({ code: 0, out: 'high\teu\nhigh\tus\n', err: '' })
  const template = await run(['stats', '--fleet=*', '--template', '{{.profile}}={{.queued}}\n'], profiles)
  expect(template.out).toBe('eu=3\nus=3\n')
})

it('has the profile beside chosen columns that do not name it', async () => {
  const good = await answering([group])
  const profiles = { eu: at(good), us: at(good) }
  const tsv = await run(['stats', '--fleet', '*', '--columns', 'queued', '--tsv'], profiles)
  expect(tsv).toMatchObject({ code: 0, out: 'eu\t3\nus\t3\n' })
})

it('doctor tells in its rows and in each error of JSON whose failure it is, and ends with 9 where others are well', async () => {
  const world = await openWorld('postgres')
  onTestFinished(() => world.stop())
  const well = { url: world.url, api_key_file: await secretFile(world.key) }
  const dead = at(await deadServer())
  const doctor = (profiles: Record<string, Member>) =>
    run(['doctor', '--fleet', '*', '--json', '--profile-timeout', '60s'], profiles)
  const { code, out, err } = await doctor({ a: dead, b: well, c: { ...well, api_key_file: key } })
  const failed = JSON.parse(out).filter(({ result }: { result: string }) => result === 'failed')
  expect(failed).toMatchObject([
    { profile: 'a', check: 'server', hint: '' },
    { profile: 'c', check: 'access' },
  ])
  const errors = err
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).error)
  expect(new Map(errors.map(({ profile, exit }) => [profile, exit]))).toEqual(
    new Map([
      ['a', 7],
      ['c', 4],
    ]),
  )
  expect(code).toBe(9)
  expect((await doctor({ a: dead, c: { ...well, api_key_file: key } })).code).toBe(7)
  expect((await doctor({ c: { ...well, api_key_file: key } })).code).toBe(4)
  const stats = await run(['stats', '--fleet', '*', '--json', '--retries', '0', '--profile-timeout', '60s'], {
    a: dead,
    b: well,
  })
  expect(stats.code).toBe(9)
  expect(JSON.parse(stats.err)).toMatchObject({ error: { profile: 'a', code: 'unreachable' } })
})

it('names the profile that it has asked, whatever a server says of it', async () => {
  const server = await answering([{ ...group, profile: 'another' }])
  const { out } = await run(['stats', '--fleet', '*', '--json'], { eu: at(server) })
  expect(out.trimEnd()).toBe(JSON.stringify([{ profile: 'eu', ...group }]))
})

it('finds one job among all by its uuid, and takes no number', async () => {
  const world = await openWorld('postgres')
  onTestFinished(() => world.stop())
  const [id] = await world.jobs(1)
  const { body } = await world.call('GET', `/api/v1/jobs/${id}`)
  const uuid = String(Reflect.get(Object(body), 'uuid'))
  const [empty, refusing] = await Promise.all([problem(404, 'not_found'), deadServer()])
  const us = { url: world.url, api_key_file: await secretFile(world.key) }
  const found = await run(['show', uuid, '--fleet', '--json'], { eu: at(empty), us }, { fleet: '*' })
  expect(found).toMatchObject({ code: 0, err: '' })
  expect(JSON.parse(found.out)).toMatchObject([{ profile: 'us', id, uuid }])
  const chosen = async (...words: string[]) =>
    (await run(['show', uuid, '--fleet', '*', ...words], { eu: at(empty), us })).out
  expect(await chosen('--columns', 'id,queue', '--tsv')).toBe(`us\t${id}\tdefault\n`)
  expect(JSON.parse(await chosen('--columns', 'id', '--json'))).toEqual([{ profile: 'us', id }])
  expect(await chosen('--template', '{{.profile}}/{{.id}}')).toBe(`us/${id}\n`)
  expect((await run(['show', uuid, '--fleet', '*'], { eu: at(empty), us: at(refusing) })).code).toBe(7)
  expect((await run(['show', uuid, '--fleet', '*'], { eu: at(empty), us: at(empty) })).code).toBe(5)
  const refused = await run(['show', String(id), '--fleet', '*'], { us })
  expect(refused).toMatchObject({ code: 2, out: '' })
  expect(refused.err).toContain(`each profile has its own job ${id}`)
})

it('refuses what a fleet cannot do, and sends nothing', async () => {
  const server = await answering([group])
  const profiles = { eu: at(server) }
  const lines = [
    ['stats', '--fleet', '*', '--watch'],
    ['stats', '--fleet', '*', '--profile', 'eu'],
    ['stats', '--fleet', '*', '--curl'],
    ['stats', '--fleet', '*', '--timeout', '9s'],
    ['list', '--fleet', '*', '--ids'],
    ['list', '--fleet', '*', '--all-pages'],
    ['events', '--fleet', '*', '--follow'],
    ['operations', 'stop', '3', '--fleet', '*'],
    ['plans', 'show', '3', '--fleet', '*'],
    ['stats', '--fleet', '*', '--profile-timeout', 'soon'],
    ['stats', '--fleet'],
    ['stats', '--profile-timeout', '2s'],
    ['prune', '--fleet', '*', '--domain', 'mail', '--yes'],
    ['pause', 'mail/high', '--fleet', '*'],
  ]
  const codes = await Promise.all(lines.map(async (argv) => [argv.join(' '), (await run(argv, profiles)).code]))
  expect(codes).toEqual(lines.map((argv) => [argv.join(' '), 2]))
  const soon = await run(['stats', '--fleet', '*', '--profile-timeout', '1ms'], profiles)
  expect(soon.err).toContain('error: --profile-timeout: must be a duration')
  const unknown = await run(['stats', '--fleet', 'eu,asia-*'], profiles)
  expect(unknown).toMatchObject({ code: 5, out: '' })
  expect(unknown.err).toContain('no profile has a name like asia-*')
  const change = await run(['prune', '--fleet', '*'], profiles)
  expect(change.err).toContain('prune goes to one profile at a time')
  const { env } = await configHome({ profiles })
  expect(await runJobsctl(['stats', '--fleet', '*'], { env: { ...env, JOBSCTL_URL: server.url } })).toMatchObject({
    code: 2,
  })
  expect(server.requests).toEqual([])
})

it('says of a config file that is of no use why, in JSON, too, and asks nobody', async () => {
  const server = await answering([group])
  const { env, path } = await configHome({ profiles: { eu: at(server) } })
  const profile = JSON.stringify(at(server))
  for (const [text, said] of [
    [`{"profiles": {"eu": ${profile}, "us": ${profile}, "\\u0065u": ${profile}}}`, 'has profiles.eu twice'],
    [`{"profiles": {"eu": {"url": "${server.url}", "url": "http://127.0.0.1:1"}}}`, 'has profiles.eu.url twice'],
    [`{"profiles": {"eu": ${profile}}`, 'is not JSON'],
    [`{"profiles": [${profile}, ${profile}]}`, 'profiles: must be an object of profiles'],
    ['{"profiles": {"eu": {}}}', 'profiles.eu.url: must be given'],
  ] as const) {
    await writeFile(path, text)
    for (const argv of [
      ['stats', '--fleet', '*'],
      ['stats', '--fleet', '*', '--json'],
    ]) {
      const { code, out, err } = await runJobsctl(argv, { env })
      expect([text, code, out]).toEqual([text, 2, ''])
      expect(err).toContain(said)
      if (argv.includes('--json')) expect(JSON.parse(err)).toMatchObject({ error: { code: 'usage' } })
    }
  }
  expect(server.requests).toEqual([])
})

it('asks two profiles of one server both, and names patterns that mean no profile in JSON, too', async () => {
  const server = await answering([group])
  const same = { eu: at(server), copy: at(server) }
  const both = await run(['stats', '--fleet', 'eu,copy,e*', '--json'], same)
  expect(both.code).toBe(0)
  expect(JSON.parse(both.out)).toEqual([
    { profile: 'copy', ...group },
    { profile: 'eu', ...group },
  ])
  for (const pattern of ['x*', 'eu,', '**?????'])
    expect([pattern, await run(['stats', '--fleet', pattern, '--json'], same)]).toMatchObject([
      pattern,
      { code: 5, out: '', err: expect.stringContaining('"not_found"') },
    ])
})

it('config keeps the fleet, and lists profiles by a pattern', async () => {
  const server = at({ url: 'http://127.0.0.1:1' })
  const { env, path } = await configHome({ default: 'eu-1', profiles: { 'eu-1': server, 'eu-2': server, us: server } })
  const config = async (...words: string[]) => runJobsctl(['config', ...words], { env })
  expect(await config('profiles', 'eu-*')).toMatchObject({ code: 0, out: 'eu-1\neu-2\n' })
  expect((await config('profiles', 'x*')).code).toBe(5)
  expect((await config('set', 'fleet', 'eu-*')).out).toBe(`set fleet in ${path}\n`)
  expect((await config('get', 'fleet')).out).toBe('eu-*\n')
  expect((await config('unset', 'profiles.us')).code).toBe(0)
  expect((await config('get', 'fleet')).out).toBe('eu-*\n')
  expect((await config('unset', 'fleet')).code).toBe(0)
  expect((await config('get', 'default')).out).toBe('eu-1\n')
})

it('says of JSON, too, what the rows of a profile lack', async () => {
  const partial = await fakeServer(
    (): Reply => ({ body: [], headers: { 'x-complete': 'false', 'x-scanned': '50000' } }),
  )
  const { code, out, err } = await run(['workers', '--fleet', '*', '--json'], { eu: at(partial) })
  expect({ code, out }).toEqual({ code: 0, out: '[]\n' })
  expect(err).toMatch(/^eu: note: the server stopped at /)
})

const unread = { clusters: [], expired_leases: [], not_read: [{ state: 'failed', before: '2026-11-24T12:00:00Z' }] }
const incomplete = { 'x-complete': 'false', 'x-scanned': '100000' }

it('has the answer of a profile without rows in JSON, which names what was not read, and mixes up no profiles', async () => {
  const partial = await fakeServer((): Reply => ({ body: unread, headers: incomplete }))
  const cluster = {
    cluster: 'v1-0123456789ab',
    status: 'failed',
    error_code: null,
    pattern: 'no route',
    count: 1,
    groups: [],
  }
  const times = { owners: [], first_seen: null, last_seen: null, per_minute: 0, sample_ids: [] }
  const whole = await answering({
    clusters: [
      { ...cluster, ...times },
      { ...cluster, ...times, cluster: 'v1-0123456789ac' },
    ],
    expired_leases: [],
    not_read: [],
  })
  const profiles = { eu: at(whole), us: at(partial) }
  const { code, out, err } = await run(['clusters', '--fleet', '*', '--json'], profiles)
  expect(code, err).toBe(0)
  expect(JSON.parse(out)).toMatchObject([
    { profile: 'eu', clusters: [{}, {}] },
    { profile: 'us', ...unread },
  ])
  expect(err).toContain('us: note: failed jobs from before 2026-11-24T12:00:00Z were not read')
  const chosen = await run(['clusters', '--fleet', '*', '--columns', 'profile,cluster', '--json'], profiles)
  expect(JSON.parse(chosen.out)).toEqual([
    { profile: 'eu', cluster: 'v1-0123456789ab' },
    { profile: 'eu', cluster: 'v1-0123456789ac' },
  ])
})

it('prints the rows that a profile gave before its time was over, beside the error that says so', async () => {
  const job = { id: 7, uuid: 'u', domain: 'mail', queue: 'high', job_type: 'send', status: 'failed', priority: 5 }
  const row = { ...job, retry_count: 0, max_retries: 3, ...noTimes }
  const slow = await fakeServer(
    ({ path }): Reply =>
      path.includes('cursor=')
        ? 'silence'
        : { body: [row], headers: { ...incomplete, link: '<?cursor=c>; rel="next"' } },
  )
  const profiles = { eu: at(slow), us: at(await answering([row])) }
  const { code, out, err } = await run(
    ['list', '--fleet', '*', '--profile-timeout', '1s', '--columns', 'profile,id', '--tsv'],
    profiles,
  )
  expect({ code, out }).toEqual({ code: 9, out: 'eu\t7\nus\t7\n' })
  expect(err).toMatch(/^error: eu: the search did not end .* only those that match so far are listed/)
})

it('refuses an answer of more than 32 MiB, since those of 32 profiles are in memory, and prints the others', async () => {
  const endless = await fakeServer((): Reply => ({ body: `"${'x'.repeat(33 * 2 ** 20)}"` }))
  const { code, out, err } = await run(['stats', '--fleet', '*', '--tsv', '--profile-timeout', '20s'], {
    eu: at(await answering([group])),
    us: at(endless),
  })
  expect({ code, out }).toEqual({ code: 9, out: 'eu\tmail\thigh\tsend\t3\t0\t1\t0\n' })
  expect(err).toContain(`error: us: ${endless.url} answered with more than 32 MiB\n  hint: narrow the filter`)
})

it('keeps no more than 48 MiB of all profiles together, and names those that it has not read', async () => {
  const large = await answering([{ ...group, job_type: 'x'.repeat(30 * 2 ** 20) }])
  const names = ['a', 'b', 'c', 'd', 'e']
  const argv = ['stats', '--fleet', '*', '--columns', 'queue', '--tsv', '--profile-timeout', '60s']
  const { code, out, err } = await run(argv, Object.fromEntries(names.map((name) => [name, at(large)])))
  const read = [...out.matchAll(/^(\w)\thigh$/gm)].map(([, name]) => name)
  const unread = [...err.matchAll(/^error: (\w): .* answered with more than 48 MiB together/gm)].map(([, name]) => name)
  expect(code).toBe(9)
  expect(read.length).toBeGreaterThan(0)
  expect(unread.length).toBeGreaterThan(1)
  expect([...read, ...unread].sort()).toEqual(names)
})

it('keeps no more than 10,000 rows of one profile, and hints at no flag that the command does not take', async () => {
  const [many, few] = [await answering(Array(10_001).fill(group)), await answering([group])]
  const { code, out, err } = await run(['stats', '--fleet', '*', '--tsv'], { a: at(many), b: at(few) })
  expect({ code, out }).toEqual({ code: 9, out: 'b\tmail\thigh\tsend\t3\t0\t1\t0\n' })
  expect(err).toMatch(
    /^error: a: more than 10,000 rows: .*\n {2}hint: narrow the filter, or ask this profile alone with --profile$/m,
  )
})

it('asks again for an answer that found no room beside others, once those that are refused have given theirs back', async () => {
  const part = 'x'.repeat(2 ** 20)
  let halfSent = 0
  let isOver = false
  async function* heldUp(first: number, then: number, nth: number) {
    for (let at = 0; at < first; at++) yield part
    if (nth === 1) {
      halfSent++
      await until('the third answer has ended', () => isOver || healthy.requests[0]?.hungUp())
    }
    for (let at = 0; at < then; at++) yield part
  }
  const tooLarge = await fakeServer((_request, nth) => ({ lines: heldUp(20, 13, nth) }))
  const noJson = await fakeServer((_request, nth) => ({ lines: heldUp(24, 0, nth) }))
  async function* large() {
    await until('the others have sent most', () => halfSent === 2)
    const [head, tail] = JSON.stringify([{ ...group, job_type: '|' }]).split('|')
    yield `${head}`
    for (let at = 0; at < 26; at++) yield part
    yield `${tail}`
    isOver = true
  }
  const healthy = await fakeServer(() => ({ lines: large() }))
  const argv = ['stats', '--fleet', '*', '--columns', 'queue', '--tsv', '--profile-timeout', '60s']
  const { code, out, err } = await run(argv, { a: at(tooLarge), b: at(noJson), c: at(healthy) })
  expect({ code, out }).toEqual({ code: 9, out: 'c\thigh\n' })
  // Where the second one has not given its room back yet, the first one lacks room, too, and has none beside the third one.
  expect(err).toMatch(/^error: a: .* answered with more than (32 MiB$|48 MiB together)/m)
  expect(err).toMatch(/^error: b: .* does not understand/m)
})

it('a pattern means names alone: no character of it but * and ? is special', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', '.', '-', '$', '[', ']', '(', '+', '\\', '|', '{'),
    minLength: 1,
  })
  const config = (names: readonly string[]) => ({
    profiles: Object.fromEntries(names.map((name) => [name, { url: 'http://127.0.0.1:1' }])),
  })
  fc.assert(
    fc.property(fc.uniqueArray(text, { minLength: 1 }), fc.nat(), fc.nat(), (names, which, cut) => {
      const name = names[which % names.length] ?? ''
      const begin = name.slice(0, cut % (name.length + 1))
      expect(membersOf(config(names), name)).toEqual([name])
      expect(membersOf(config(names), `${begin}*`)).toEqual(names.filter((one) => one.startsWith(begin)).sort())
      expect(membersOf(config(names), '?'.repeat(name.length))).toEqual(
        names.filter((one) => one.length === name.length).sort(),
      )
    }),
  )
})

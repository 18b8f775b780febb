import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { get as httpGet } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../../scripts/launch/free-port.ts'
import { newFolder } from '../../../support/database/database.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { endWithTests } from '../../../support/programs/end-with-tests.ts'
import { type ServerProcess, spawnServer } from '../../../support/programs/spawn-server.ts'
import { newJob } from '../../../support/worker.ts'
import { openWorld, type World } from '../../../support/world.ts'

const root = process.getuid?.() === 0

/** The snippets of deploy/, with ports and without TLS in place of what only the machine of a reader has. */
const proxies = [
  {
    name: 'nginx',
    file: 'deploy/proxy/nginx.conf',
    edit: (text: string, port: number, servers: string[]) =>
      replaced(text, [
        ['listen 443 ssl;', `listen 127.0.0.1:${port};`],
        [/^ *ssl_certificate.*\n/gm, ''],
        [
          'server 127.0.0.1:8787 ',
          servers.map((server) => `server ${server} `).join('max_fails=1 fail_timeout=2s;\n  '),
        ],
      ]),
    start: async (folder: string, config: string) => {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (of) => `${of}_temp_path ${folder}/${of};`,
      )
      const whole = join(folder, 'nginx.conf')
      await writeFile(
        whole,
        `${root ? 'user root;' : ''} daemon off; pid ${folder}/pid; error_log ${folder}/errors; events {}
         http { access_log off; ${temporary.join(' ')} include ${config}; }`,
      )
      return ['-c', whole, '-e', join(folder, 'errors')]
    },
  },
  {
    name: 'haproxy',
    file: 'deploy/proxy/haproxy.cfg',
    edit: (text: string, port: number, servers: string[]) =>
      replaced(text, [
        ['bind :443 ssl crt /etc/haproxy/ops.example.pem alpn h2,http/1.1', `bind 127.0.0.1:${port}`],
        ['127.0.0.1:8787', servers[0] ?? ''],
        ['127.0.0.1:8788', servers[1] ?? ''],
      ]),
    start: async (_folder: string, config: string) => ['-db', '-f', config],
  },
]

/** @throws Error where the snippet has no such text, so that it is never run unchanged */
function replaced(text: string, pairs: [string | RegExp, string][]): string {
  return pairs.reduce((all, [from, to]) => {
    const changed = all.replace(from, to)
    if (changed === all) throw new Error(`the snippet has no ${from}`)
    return changed
  }, text)
}

const programOf = (name: string): string | undefined =>
  ['/usr/sbin', '/usr/bin', '/usr/local/sbin']
    .map((folder) => join(folder, name))
    .find((path) => spawnSync(path, ['-v']).status === 0)

const env = { JOBS_PUBLIC_URL: 'https://ops.example/jobs', JOBS_TRUSTED_PROXIES: '127.0.0.1', JOBS_METRICS: 'on' }

describe.each(proxies)('behind $name as deploy/ has it', ({ name, file, edit, start }) => {
  const program = programOf(name)
  if (!program) {
    process.stderr.write(`skipped: ${name} is not installed\n`)
    it.skip('all of it works', () => {})
    return
  }
  let world: World
  let second: ServerProcess
  let proxy: ChildProcess
  let url: string
  beforeAll(async () => {
    world = await openWorld('postgres', env)
    second = await spawnServer(world.env)
    await until(
      'the second server is ready',
      async () => (await call({ url: second.url, method: 'GET', path: '/readyz' })).status === 200,
    )
    const [folder, port] = [await newFolder('proxy'), await freePort()]
    const config = join(folder, 'config')
    const servers = [world.url, second.url].map((one) => new URL(one).host)
    await writeFile(config, edit(await readFile(file, 'utf8'), port, servers))
    proxy = spawn(program, await start(folder, config), { stdio: 'ignore' })
    endWithTests(proxy)
    url = `http://127.0.0.1:${port}`
    await until(`${name} answers`, async () => (await get('/ui/').catch(() => ({ status: 0 }))).status === 200)
  })
  afterAll(async () => {
    if (proxy?.exitCode === null && proxy.kill()) await once(proxy, 'exit')
    await second?.kill()
    await world?.stop()
  })

  const headers = { host: 'ops.example' }
  const send = (method: string, path: string, more: Record<string, string> = {}, body?: unknown) =>
    call({ url, method, path, body, headers: { ...headers, ...more } })
  const get = (path: string, more: Record<string, string> = {}) => send('GET', `/jobs${path}`, more)
  const withKey = (more: Record<string, string> = {}) => ({ 'x-api-key': world.key, ...more })

  it('the API and the dashboard are below the base path, and a browser logs in', async () => {
    expect((await get('/ui/')).body).toContain('data-base="/jobs"')
    expect(await get('/api/v1/jobs/stats', withKey())).toMatchObject({ status: 200 })
    expect((await send('GET', '/api/v1/jobs/stats', withKey())).status).toBe(404)
    const login = { origin: 'https://ops.example', 'sec-fetch-site': 'same-origin', 'x-confirm': 'true' }
    const answer = await send('POST', '/jobs/api/v1/session', login, { key: world.key })
    expect([answer.status, answer.headers['set-cookie']]).toEqual([201, expect.stringContaining('__Host-jobs_session')])
  })

  it('metrics and probes are not reached, however the path is written', async () => {
    for (const path of [
      '/metrics',
      '/metrics/jobs',
      '/%6detrics',
      '/./metrics',
      '/x/../metrics',
      '/ui/%2e%2e/metrics',
      '/ui/..%2fmetrics',
      '//metrics',
      '/readyz',
      '/%72eadyz',
      '/healthz',
    ])
      expect([path, await answerOf(`/jobs${path}`)]).toEqual([path, expect.not.stringMatching(/^200 (# HELP|\{)/)])
    expect(await answerOf('/jobs/../metrics')).not.toMatch(/^200/)
    expect([...world.log, second.output.out].join('\n')).not.toMatch(/"path":"(\/jobs)?\/metrics/)
  })
  /** The status and the body of a path as it is written: `fetch` and `URL` would resolve it. */
  const answerOf = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      httpGet(url, { path, headers: { ...headers, ...withKey() } }, (answer) => {
        const read = text(answer)
        read.then((body) => resolve(`${answer.statusCode} ${body}`), reject)
      }).on('error', reject)
    })

  it('events reach a reader one by one, and a held acquire the next job', async () => {
    const response = await fetch(`${url}/jobs/api/v1/jobs/events/stream?queue=streamed`, { headers: withKey() })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ''
    const reading = until('the event arrives', async () => {
      seen += (await reader?.read())?.value ?? ''
      return seen.includes('job.created')
    })
    const acquire = { domain: 'd', queue: 'streamed', worker_id: 'w', wait_seconds: 60 }
    const held = send('POST', '/jobs/api/v1/jobs/acquire', withKey(), acquire)
    const job = newJob({ domain: 'd', queue: 'streamed' })
    expect((await send('POST', '/jobs/api/v1/jobs', withKey(), job)).status).toBe(201)
    await reading
    await reader?.cancel()
    expect((await held).status).toBe(200)
  })

  it('waits as long as the longest call may be silent', async () => {
    const limits = [
      ...(await readFile(file, 'utf8')).matchAll(
        /^ *(?:proxy_(?:read|send)_timeout|timeout (?:client|server)) +(\w+)/gm,
      ),
    ]
    expect(limits.map(([, limit]) => limit)).toEqual(['1h', '1h'])
  })

  it('hands large bodies on, and the address of the caller, whatever the caller says of it', async () => {
    const batch = [1, 2, 3].map(() => newJob({ domain: 'd', queue: 'large', payload: { text: 'x'.repeat(700_000) } }))
    const forged = withKey({ 'x-forwarded-for': '6.6.6.6', 'x-request-id': 'large-one' })
    expect((await send('POST', '/jobs/api/v1/jobs/batch', forged, { jobs: batch })).status).toBe(201)
    const lines = () => [...world.log, ...second.output.out.split('\n')].filter((line) => line.includes('large-one'))
    await until('the request is logged', () => lines().length > 0)
    expect(lines().join()).not.toContain('6.6.6.6')
  })

  it('hands every call to the server that is left when the other one stops, and sends none of them twice', async () => {
    expect((await second.stop()).code).toBe(0)
    const enqueue = () => send('POST', '/jobs/api/v1/jobs', withKey(), newJob({ domain: 'd', queue: 'rest' }))
    const enqueued = []
    for (let n = 0; n < 100; n++) enqueued.push((await enqueue()).status)
    expect(enqueued).toEqual(Array(100).fill(201))
    expect(await world.sql`select count(*)::int as jobs from jobs where queue = 'rest'`).toMatchObject([{ jobs: 100 }])
    const answers = await Promise.all(Array.from({ length: 10 }, () => get('/api/v1/jobs/stats', withKey())))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
  })
})

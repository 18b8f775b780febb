import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { Env } from '../../server/env/env.ts'
import { version } from '../../shared/version.ts'

const text = (path: string) => readFileSync(path, 'utf8')
const manifest = z
  .object({ bin: z.record(z.string(), z.string()), engines: z.object({ node: z.string() }) })
  .parse(JSON.parse(text('package.json')))

/** The instructions of the Dockerfile, one a line, without comments. */
const instructions = text('deploy/Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter(Boolean)
  .map((line) => line.split(/ (.*)/s))
const all = (name: string) => instructions.flatMap(([word, rest = '']) => (word === name ? [rest] : []))
const final = instructions.slice(instructions.findLastIndex(([word]) => word === 'FROM'))

it('the image has the package and nothing else, on a base with a version, and does not run as root', () => {
  expect(all('FROM').map((from) => /^node:\d+\.\d+\.\d+-\w+-slim( AS \w+)?$/.test(from))).toEqual([true, true])
  expect(all('ADD')).toEqual([])
  expect(all('COPY')).toEqual([`jobsctl-${version}.tgz /tmp/jobsctl.tgz`, '--from=package /opt/jobsctl /opt/jobsctl'])
  const user = final.findLast(([word]) => word === 'USER')?.[1]
  expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  expect(instructions.findLastIndex(([word]) => word === 'USER')).toBeGreaterThan(
    instructions.findLastIndex(([word]) => word === 'RUN'),
  )
  expect(all('CMD')).toEqual([`["node", "/opt/jobsctl/node_modules/jobsctl/${manifest.bin['jobs-server']}"]`])
  expect(all('HEALTHCHECK')).toHaveLength(1)
  const [base = ''] = all('FROM')
  const [, major, minor] = /:(\d+)\.(\d+)/.exec(base) ?? []
  const least = new RegExp(`\\^${major}\\.(\\d+)`).exec(manifest.engines.node)?.[1]
  expect(Number(minor)).toBeGreaterThanOrEqual(Number(least ?? Number.POSITIVE_INFINITY))
})

const Compose = z.object({
  services: z.record(
    z.string(),
    z.looseObject({
      image: z.string(),
      environment: z.record(z.string(), z.string()),
      read_only: z.literal(true),
      cap_drop: z.tuple([z.literal('ALL')]),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
      secrets: z.array(z.string()),
      ports: z.array(z.string()).default([]),
      security_opt: z.array(z.string()),
    }),
  ),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
})

it('the services of compose.yaml have versions, known settings and no secret in the environment', () => {
  const { services, secrets } = Compose.parse(parse(text('deploy/compose.yaml')))
  const { server, db } = services
  expect([server?.image, db?.image]).toEqual([
    `jobs-server:${version}`,
    expect.stringMatching(/^postgres:\d+\.\d+-\w+$/),
  ])
  expect(Object.keys(server?.environment ?? {}).filter((name) => !(name in Env.shape))).toEqual([])
  for (const [name, { environment, secrets: taken, ports, security_opt }] of Object.entries(services)) {
    const values = Object.entries(environment).filter(([key]) => /URL|KEY|PASSWORD|TOKEN/.test(key))
    for (const [key, value] of values) {
      expect(key, name).toMatch(/_FILE$/)
      expect(taken).toContain(value.replace('/run/secrets/', ''))
    }
    for (const secret of taken) expect(Object.keys(secrets)).toContain(secret)
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/)
    expect(security_opt).toContain('no-new-privileges:true')
  }
  // The server is neither the superuser nor the owner of the tables, and starts once its rights are given.
  expect(server).toMatchObject({ environment: { JOBS_MIGRATE: 'false' }, secrets: ['app-url', 'api-key'] })
  expect(server?.depends_on).toEqual({ grants: { condition: 'service_completed_successfully' } })
  for (const name of ['server', 'migrate', 'grants']) {
    expect(services[name], name).not.toHaveProperty('cap_add')
    expect(services[name]?.secrets.join(), name).not.toContain('superuser')
  }
  expect(server).not.toHaveProperty('user')
  expect(server).not.toHaveProperty('privileged')
})

const units = ['jobs-server.service', 'jobs-prune.service', 'jobs-prune.timer']
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0
if (!hasAnalyze) process.stderr.write('skipped: systemd-analyze is not installed\n')

it.skipIf(!hasAnalyze)('systemd takes the units, and finds the services hardly exposed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jobs-units-'))
  for (const unit of units) {
    // This machine has Node elsewhere, and not the package.
    const here = text(`deploy/systemd/${unit}`).replace('=/usr/bin/node ', `=${process.execPath} `)
    writeFileSync(join(folder, unit), here)
  }
  const verified = spawnSync('systemd-analyze', ['verify', ...units.map((unit) => join(folder, unit))], {
    encoding: 'utf8',
  })
  expect([verified.status, verified.stderr]).toEqual([0, ''])
  for (const unit of units.filter((name) => name.endsWith('.service'))) {
    const judged = spawnSync(
      'systemd-analyze',
      ['security', '--offline=yes', '--threshold=20', '--no-pager', join(folder, unit)],
      { encoding: 'utf8' },
    )
    expect(judged.status, judged.stdout).toBe(0)
  }
})

it('the units run the programs of the package as nobody, with secrets from credentials and known settings', () => {
  for (const [unit, program] of [
    ['jobs-server.service', 'jobs-server'],
    ['jobs-prune.service', 'jobsctl'],
  ] as const) {
    const unitText = text(`deploy/systemd/${unit}`)
    expect(unitText).toContain(`ExecStart=/usr/bin/node /opt/jobsctl/node_modules/jobsctl/${manifest.bin[program]}`)
    expect(unitText).toMatch(/^DynamicUser=yes$/m)
    const settings = [...unitText.matchAll(/^Environment=(.*)$/gm)].flatMap(([, pairs = '']) => pairs.split(' '))
    const names = settings.map((pair) => pair.split('=')[0] ?? '').filter((name) => /^(JOBS_|SINGLE_)/.test(name))
    expect(names.filter((name) => !(name in Env.shape))).toEqual([])
    for (const [, name] of unitText.matchAll(/=%d\/([\w-]+)/g)) expect(unitText).toContain(`LoadCredential=${name}:`)
  }
  const { 1: seconds } = /TimeoutStopSec=(\d+)/.exec(text('deploy/systemd/jobs-server.service')) ?? []
  expect(Number(seconds)).toBeGreaterThan(Env.parse({}).JOBS_SHUTDOWN_SECONDS)
})

const Workflow = z.object({
  jobs: z.object({
    test: z.object({
      strategy: z.object({
        'fail-fast': z.literal(false),
        matrix: z.object({ node: z.array(z.string()), postgres: z.array(z.number()) }),
      }),
      steps: z.array(z.looseObject({ run: z.string().optional() })),
    }),
  }),
  permissions: z.object({ contents: z.literal('read') }),
})

it('CI runs the tests on each Node of package.json and each PostgreSQL of the pages', () => {
  const { jobs } = Workflow.parse(parse(text('.github/workflows/ci.yml')))
  const { node, postgres } = jobs.test.strategy.matrix
  expect(postgres).toEqual([13, 14, 15, 16, 17, 18])
  expect(text('docs/deploy/postgresql.md')).toContain('PostgreSQL 13')
  for (const wanted of manifest.engines.node.split('||'))
    expect(
      node.some((one) => one.split('.')[0] === /\d+/.exec(wanted)?.[0]),
      wanted,
    ).toBe(true)
  expect(jobs.test.steps.flatMap(({ run }) => run ?? [])).toContain('npm test')
})

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ago } from '../../support/database/job-row.ts'
import { textOf } from '../../support/docs.ts'
import { namesOf, untilHistoryIsKept } from '../../support/observe/metrics.ts'
import { openWorld, type World } from '../../support/world.ts'

const folder = 'docs/observe'
const rules = readFileSync(`${folder}/alerts.yaml`, 'utf8')
const dashboard = readFileSync(`${folder}/dashboard.json`, 'utf8')
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)

/** The metrics that a text names, without the suffixes of a histogram. */
const metricsIn = (text: string): string[] =>
  [...new Set(text.match(/\b(jobsctl|process|nodejs)_[a-z_]+\b/g))]
    .map((name) => name.replace(/_(bucket|sum|count)$/, ''))
    .filter((name) => name !== 'jobsctl_metric_groups')

describe('what is shipped for Prometheus and Grafana', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_METRICS: 'on', JOBS_ARCHIVE_MAX_BYTES: '1000000' })
    await untilHistoryIsKept(world)
    await world.jobs(1, { status: 'queued', queue: 'low' })
    await world.jobs(1, { status: 'processing', leased_until: ago(-3600) })
    await world.jobs(1, { status: 'failed' })
    await world.post('/api/v1/jobs/queue/control', { domain: 'chatbooks', queue: 'low', action: 'pause' })
    await world.post('/api/v1/jobs/queue/throttle', { domain: 'chatbooks', queue: 'low', running: 5 })
    await world.post('/api/v1/jobs/acquire', { domain: 'chatbooks', queue: 'asked', worker_id: 'w', lease_seconds: 30 })
    const scope = { domain: 'chatbooks', queue: 'worked' }
    await world.post('/api/v1/jobs', { ...scope, job_type: 'export', payload: {} })
    const { body } = await world.post('/api/v1/jobs/acquire', { ...scope, worker_id: 'w', lease_seconds: 30 })
    const [job] = Object(body).jobs ?? [body]
    const lease = { lease_id: job.lease_id, worker_id: 'w' }
    expect((await world.post(`/api/v1/jobs/${job.id}/complete`, lease)).status).toBe(200)
    await world.confirm('/api/v1/jobs/prune', { statuses: ['failed'], older_than_days: 1 })
  })
  afterAll(() => world?.stop())

  const scrape = async () =>
    namesOf(
      (await Promise.all(['/metrics', '/metrics/jobs'].map((path) => world.call('GET', path))))
        .map(({ body }) => String(body))
        .join('\n'),
    )
  const lacking = async (text: string) => {
    const found = await scrape()
    return metricsIn(text).filter((name) => !found.has(name))
  }

  it('asks for metrics that a server has', async () => {
    expect(metricsIn(rules).length).toBeGreaterThan(5)
    expect(metricsIn(dashboard).length).toBeGreaterThan(15)
    await expect.poll(() => lacking(`${rules} ${dashboard}`), { interval: 200 }).toEqual([])
  })

  it('has every metric on its page, and no other', async () => {
    const page = textOf(`${folder}/README.md`)
    await expect.poll(() => lacking(page), { interval: 200 }).toEqual([])
    const named = metricsIn(page)
    const own = [...(await scrape())].filter((name) => name.startsWith('jobsctl_'))
    expect(own.filter((name) => !named.includes(name))).toEqual([])
  })
})

it('every query of the dashboard asks for one database, or for the servers that are chosen', () => {
  const queries = [...dashboard.matchAll(/"expr": ("(?:\\.|[^"\\])*")/g)].map(([, text = '']) =>
    String(JSON.parse(text)),
  )
  expect(queries.length).toBeGreaterThan(25)
  const chosen = /^\{job(?:="\$job"|=~"\$servers")[,}]/
  for (const query of queries)
    for (const [, rest = ''] of query.matchAll(/\b(?:jobsctl|process|nodejs)_[a-z_]+(.{0,20})/g))
      expect(rest, query).toMatch(chosen)
})

it('every alert has a section of what to type, and every section has an alert', () => {
  const sections = [...textOf(`${folder}/on-call.md`).matchAll(/^## (\w+)$/gm)].map(([, name = '']) => name)
  expect(alerts).toEqual(sections)
  const links = [...rules.matchAll(/runbook_url: docs\/observe\/on-call\.md#(\w+)$/gm)].map(([, anchor = '']) => anchor)
  expect(links).toEqual(alerts.map((name) => name.toLowerCase()))
})

it('every alert about a queue leads to its page of the dashboard', () => {
  const page = 'ui/queue?domain={{ $labels.domain | urlquery }}&queue={{ $labels.queue | urlquery }}'
  const told = rules.split('- alert: ').filter((text) => text.includes('$labels.queue }}'))
  expect(told.length).toBeGreaterThan(4)
  for (const text of told) expect(text).toContain(`dashboard_url: ${page}\n`)
})

describe.skipIf(!hasPromtool())('promtool (skipped where the package prometheus is not installed)', () => {
  it('takes the rules', () => {
    expect(promtool('check', 'rules', '--lint-fatal', `${folder}/alerts.yaml`)).toContain('SUCCESS')
  })

  it('finds that each alert begins when it should, and not before', () => {
    const tests = 'test/docs/alerts.promtool.yaml'
    expect(promtool('test', 'rules', tests)).toContain('SUCCESS')
    const tested = [...readFileSync(tests, 'utf8').matchAll(/alertname: (\w+)\n +exp_alerts:\n/g)].map(
      ([, name = '']) => name,
    )
    expect(tested.sort()).toEqual([...alerts].sort())
  })
})

function promtool(...args: string[]): string {
  return execFileSync('promtool', args, { encoding: 'utf8' })
}

function hasPromtool(): boolean {
  try {
    promtool('--version')
    return true
  } catch {
    return false
  }
}

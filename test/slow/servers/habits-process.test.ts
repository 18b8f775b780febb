import { afterAll, beforeAll, expect, it } from 'vitest'
import { jobsctlProcess } from '../../support/programs/jobsctl.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres', { JOBS_BACKGROUND: 'off' })
  await world.jobs(3, { domain: 'shop', queue: 'mail', status: 'queued' })
})
afterAll(() => world?.stop())

const run = (line: string) =>
  jobsctlProcess(line.split(' '), { env: { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key } })

it.each([
  ['get jobs --domain shop --queue mail', 'list --domain shop --queue mail'],
  ['describe job 2', 'show 2'],
  ['delete 2 --reason r', 'cancel 2 --reason r (it ends a job; jobsctl prune deletes jobs that have ended)'],
  ['kill 2 3 --yes', 'cancel 2 3 --yes (it ends a job; jobsctl prune deletes jobs that have ended)'],
  ['promote job 2', 'reschedule --now 2'],
  ['kill 3 --domain=shop --queue mail', 'cancel 3 (it ends a job; jobsctl prune deletes jobs that have ended)'],
  ['get pods --domain shop', 'list --domain shop'],
  ['list --json=id,state --domain shop', 'list --columns id,status --json --domain shop'],
  ['list -w --queue mail', 'list --watch --queue mail'],
])('%s is a line that can be pasted', async (typed, meant) => {
  expect(await run(typed)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(`hint: jobsctl ${meant}\n`) })
  const pasted = meant.replace(/ \(.*$/, '').replace(/ --reason r| --yes/, '')
  const changes = /^(cancel|reschedule)/.test(pasted)
  const { code, err } = await run(changes ? `${pasted} --dry-run` : pasted.replace('--watch', '--columns id'))
  expect([code, err]).toEqual([0, changes ? expect.any(String) : ''])
})

it.each([
  ['list --columns id,status --domain shop', '3\tqueued\n2\tqueued\n1\tqueued\n'],
  ['list --template {{.id}}:{{.queue}} --limit 1', '3:mail\n'],
  ['stats --template {{.domain}}/{{.queue}}={{.queued}}', 'shop/mail=3\n'],
  ['show 2 --template {{.status}}', 'queued\n'],
])('%s prints its columns', async (typed, out) => {
  const { code, err, ...printed } = await run(typed)
  expect([code, printed.out, err]).toEqual([0, out, expect.not.stringContaining('error')])
})

it.each([
  ['show 2', '/ui/jobs/2'],
  ['explain shop/mail', '/ui/queue?domain=shop&queue=mail'],
  ['plans', '/ui/plans'],
  ['operations --domain shop', '/ui/operations?domain=shop'],
])('%s --web prints a page that is there', async (typed, path) => {
  expect(await run(`${typed} --web`)).toMatchObject({ code: 0, out: `${world.url}${path}\n`, err: '' })
  expect((await fetch(`${world.url}${path}`, { headers: { accept: 'text/html' } })).status).toBe(200)
})

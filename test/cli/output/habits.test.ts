import { describe, expect, it } from 'vitest'
import { envOf, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

describe('the words of another tool', () => {
  it.each([
    ['get jobs', 'list'],
    ['get 8123 -o yaml', 'show 8123 --json'],
    ['get workers -n shop', 'workers --domain shop'],
    ['get -n shop jobs -o wide', 'list --domain shop --output table'],
    ['get jobs --namespace=shop -o name', 'list --domain shop --ids'],
    ['get jobs -A -o custom-columns=ID:.id,S:.status', 'list --columns id,status'],
    ["list -o jsonpath='{.items[*].id}'", "list --template '{{.id}}'"],
    ['describe job 8123', 'show 8123'],
    ['describe media/ingest', 'explain media/ingest'],
    ['describe job/8123 -n shop', 'show 8123 --domain shop'],
    ['delete queue media/ingest --older-than 30d', 'prune --domain media --queue ingest --older-than 30d'],
    ['list --json id,state,createdAt --domain shop', 'list --columns id,status,created_at --json --domain shop'],
    ['list --domain shop --json=id', 'list --domain shop --columns id --json'],
    ['show --json id,status 8123', 'show --columns id,status --json 8123'],
    ['delete 8123 --domain shop --yes', 'cancel 8123 --yes'],
    ['delete --domain shop --older-than 30d', 'prune --domain shop --older-than 30d'],
    ['kill 8123 8124 --yes', 'cancel 8123 8124 --yes'],
    ['limit mail/high --running 5', 'throttle mail/high --running 5'],
    ['rate-limit mail/high', 'throttle mail/high'],
    ['promote 8123', 'reschedule --now 8123'],
    ['logs -f --domain shop', 'events --follow --domain shop'],
    ['logs 8123', 'show 8123'],
    ['rerun --domain shop', 'retry --domain shop'],
    ['show 8123 -w', 'show 8123 --web'],
    ['list -w --domain shop', 'list --watch --domain shop'],
    ['get workers -w -n shop', 'workers --watch --domain shop'],
    ['events -w --domain shop', 'events --follow --domain shop'],
    ['list -L 5 -s failed --queue q', 'list --limit 5 --status failed --queue q'],
    ['list --state failed --sort-by=.createdAt', 'list --status failed --sort created_at'],
    ['prune --domain shop --force', 'prune --domain shop --yes'],
    ['wait 8123 --for=condition=complete --timeout 5m', 'wait 8123 --for completed --timeout 5m'],
    ['workers --no-headers --domain shop', 'workers --tsv --domain shop'],
    ['browse 8123', 'show --web 8123'],
    [
      'ls --domain "a b" --url http://127.0.0.1:1 -p prod',
      "list --domain 'a b' --profile prod --url http://127.0.0.1:1",
    ],
  ])('%s is exit 2 with the line of jobsctl, which keeps every other word', async (typed, meant) => {
    const argv = typed.match(/"[^"]*"|[^\s'"]*'[^']*'|\S+/g)?.map((word) => word.replaceAll(/["']/g, '')) ?? []
    const { code, out, err } = await runJobsctl(argv)
    const hint = err.startsWith('{') ? JSON.parse(err).error.hint : /^ {2}hint: (.*)$/m.exec(err)?.[1]
    expect([code, out, hint?.replace(/ \(it ends.*/, '')]).toEqual([2, '', `jobsctl ${meant}`])
  })

  it.each([
    ['list', '--limit', '0'],
    ['operations', '--state', 'nosuch', '--limit', '0'],
    ['plans', '--json', 'show', 'x'],
    ['nosuch', '--domain', 'shop'],
    ['list', '--output', 'xml'],
  ])('%s %s %s is not taken for one', async (...argv) => {
    const { code, err } = await runJobsctl(argv)
    expect([code, err]).toEqual([
      2,
      expect.not.stringMatching(/hint: jobsctl (list|operations|plans) --?\w.*(columns|status)/),
    ])
  })
})

describe('--web', () => {
  const dashboard = (status = 200) => fakeServer(() => ({ status, body: 'a page' }))

  it.each([
    [['show', '8123'], '/ui/jobs/8123'],
    [['show', 'mail/a b'], '/ui/jobs/mail%2Fa%20b'],
    [['explain', '8123'], '/ui/jobs/8123'],
    [['explain', 'media/in&gest'], '/ui/queue?domain=media&queue=in%26gest'],
    [['plans'], '/ui/plans'],
    [['plans', '--state', 'waiting'], '/ui/plans?state=waiting'],
    [['plans', 'show', '12'], '/ui/plans/12'],
    [['operations', '17'], '/ui/operations/17'],
    [['operations', '--domain', 'shop', '--kind', 'prune'], '/ui/operations?domain=shop&kind=prune'],
  ])('%j prints the URL of its page, and asks for no more than the dashboard', async (argv, path) => {
    const server = await dashboard()
    expect(await runAt(server, [...argv, '--web'])).toEqual({ code: 0, out: `${server.url}${path}\n`, err: '' })
    expect(server.requests.map((request) => request.path)).toEqual(['/ui/'])
  })

  it('keeps the base path, and says where there is no dashboard', async () => {
    const server = await dashboard()
    const env = { ...envOf(server), JOBSCTL_URL: `${server.url}/base/` }
    expect((await runJobsctl(['show', '5', '--web', '--json'], { env })).out).toBe(
      `{"url":"${server.url}/base/ui/jobs/5"}\n`,
    )
    expect(await runAt(await dashboard(404), ['show', '5', '--web'])).toMatchObject({
      code: 5,
      err: expect.stringContaining('has no dashboard: it answers 404'),
    })
    expect((await runAt(await dashboard(421), ['show', '5', '--web'])).err).toContain('JOBS_PUBLIC_URL')
    for (const argv of [
      ['plans', 'above', '5', '--web'],
      ['operations', 'stop', '5', '--web'],
      ['operations', '--since', '1h', '--web'],
    ])
      expect([argv, (await runAt(server, argv)).code]).toEqual([argv, 2])
  })
})

import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '../sdk/client.ts'
import { createToken } from '../server/auth/tokens.ts'
import { insertDemo } from '../server/demo/insert-demo.ts'
import type { Running } from '../server/start.ts'
import { retry } from '../shared/changes/retry.ts'
import { proposePlan } from '../shared/plans/plans.ts'
import { startBrowser } from './chromium.ts'
import { withServer } from './demo/built-server.ts'

const target = 'docs/pictures'

/** The pictures of the docs: their names, the screens, the theme and the width in pixels. */
const pictures = [
  ['overview', '/', 'light', 1280],
  ['overview-dark', '/', 'dark', 1280],
  ['phone', '/', 'dark', 390],
  ['jobs', '/jobs?status=failed', 'dark', 1280],
  ['failures', '/clusters?domain=letters', 'light', 1280],
  ['change', '/change/retry?domain=letters&status=failed', 'light', 1280],
  ['history', '/history?since=1h', 'dark', 1280],
  ['queue', '/queue?domain=letters&queue=high', 'light', 1280],
] as const

/** The stack of the failures. */
const stack = `SmtpError: 550 mailbox unavailable
    at send (src/mail/smtp.ts:88:11)
    at async receipt (src/handlers/receipt.ts:31:3)`

/** The pictures that are made: those that are named as arguments, or all. */
const asked = process.argv.slice(2)
const isAsked = (name: string): boolean => asked.length === 0 || asked.includes(name)

/** Makes the pictures of the dashboard again, of a server with the jobs of the demo. Needs chromium. */
const folder = await mkdtemp(join(tmpdir(), 'jobsctl-pictures-'))
const env = { JOBS_DATA_DIR: folder }
const browser = await startBrowser()
try {
  await mkdir(target, { recursive: true })
  await withServer(env, async ({ url, sql }) => {
    await insertDemo(sql)
    const key = (await readFile(join(folder, 'api-key'), 'utf8')).trim()
    const job = await makeTrouble(url, key)
    for (const [name, screen, colorScheme, width] of pictures)
      await takePicture(name, `${url}/ui${screen}`, { secret: key, colorScheme, width })
    for (const [name, colorScheme] of [
      ['job', 'light'],
      ['job-dark', 'dark'],
    ] as const)
      await takePicture(name, `${url}/ui/jobs/${job}`, { secret: key, colorScheme })
  })
  await withServer({ ...env, AUTH_MODE: 'multi_user' }, async ({ url, sql }) => {
    const [ann, ben] = [await makeToken(sql, 'ann'), await makeToken(sql, 'ben')]
    const plan = await propose(url, ann)
    await sql`update jobs set status = 'queued', updated_at = now() where id in (select id from jobs where error_code = 'smtp' order by id limit 9)`
    await takePicture('plan', `${url}/ui/plans/${plan}`, { secret: ben, colorScheme: 'light', height: 1120 })
  })
} finally {
  await browser.close()
  await rm(folder, { recursive: true, force: true })
}

/** A token of an operator who may approve the plans of others. */
async function makeToken(sql: Running['sql'], principal: string): Promise<string> {
  const grant = { role: 'operator', may_enqueue: false, approver: true, principal, madeBy: 'the pictures' } as const
  return (await createToken(sql, { name: principal, grant, days: 1 })).token
}

/** Plans a retry. Returns the id of the plan. */
async function propose(url: string, token: string): Promise<number> {
  const response = await fetch(`${url}${proposePlan.path}`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'X-Reason': 'the mailer is back; its jobs failed meanwhile',
    },
    body: JSON.stringify({ path: retry.path, request: { domain: 'orders', error_code: 'smtp', spread_seconds: 600 } }),
  })
  return proposePlan.output.parse(await response.json()).id
}

/** Lets a queue fail after a deployment. Returns the id of a job that failed. */
async function makeTrouble(url: string, apiKey: string): Promise<number> {
  const jobs = createClient({ url, apiKey })
  const place = { domain: 'letters', queue: 'high' }
  await jobs.addMark({ text: 'deploy 4711' })
  await jobs.enqueueBatch({
    jobs: Array.from({ length: 300 }, (_, n) => ({
      ...{ ...place, job_type: 'receipt', max_retries: 0, owner_user_id: `customer-${n % 190}` },
      payload: { order: 7000 + n, to: `customer${n}@example.com` },
    })),
  })
  let failed = 0
  for (let round = 0; round < 8; round++) {
    const worker_id = `mailer-${round % 3}`
    const leased = await jobs.acquire({ ...place, worker_id, limit: 25 })
    const finishes = leased.jobs.map(({ id, lease_id }, n) => {
      const lease = { id, worker_id, lease_id: lease_id ?? '' }
      return n % 5 < 2
        ? { ...lease, action: 'complete' as const }
        : {
            ...lease,
            action: 'fail' as const,
            error: `550 mailbox unavailable (req_${(id * 7919).toString(16)}af31)`,
            error_code: 'smtp_550',
            error_class: 'SmtpError',
            error_stack: stack,
          }
    })
    failed = finishes.find(({ action }) => action === 'fail')?.id ?? failed
    await jobs.finishMany({ jobs: finishes })
  }
  return failed
}

interface PictureOptions {
  secret: string
  colorScheme: 'light' | 'dark'
  /** In pixels. */
  height?: number
  width?: number
}

async function takePicture(name: string, url: string, options: PictureOptions): Promise<void> {
  if (!isAsked(name)) return
  const { secret, colorScheme, height = 720, width = 1280 } = options
  const page = await browser.newPage({ viewport: { width, height }, colorScheme })
  await page.goto(url)
  await page.getByLabel('Key or token').fill(secret)
  await page.getByRole('button', { name: 'Log in' }).click()
  // The login has a heading, too.
  await page.getByRole('navigation', { name: 'Screens' }).waitFor()
  await page.getByText('Loading…').first().waitFor({ state: 'detached' })
  await page.waitForLoadState('networkidle', { timeout: 5000 }).catch(() => undefined)
  // The line of the card is read after the card is seen. Wider windows have their lines further down.
  if (width < 760) await page.locator('.night .sparkline').waitFor()
  await page.mouse.move(0, 0)
  await page.screenshot({ path: join(target, `${name}.png`) })
  await page.close()
  console.log(`${target}/${name}.png`)
}

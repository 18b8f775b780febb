import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { readEnv } from '../../server/env.ts'
import { createLog } from '../../server/log.ts'
import type { Running } from '../../server/start.ts'

/** The built server, with the types of its source. */
const { start }: typeof import('../../server/start.ts') = await import(
  new URL('../../dist/server/start.js', import.meta.url).href
)
const program = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))
const key = 'key-of-the-demo'
const rows = 50_000
const Records = z.array(z.object({ affected: z.number() }))

/** What the scene needs of the demo: to type a command, and to say whether it did what it should. */
export interface Stage {
  folder: string
  type: (line: string, url: string, key: string) => Promise<{ code: number; output: string }>
  expect: (what: string, right: boolean) => void
}

/** A server is killed in the middle of a prune of 50,000 jobs; and then all of them come back, byte for byte. */
export async function crashScene({ folder, type, expect }: Stage): Promise<void> {
  const env = {
    JOBS_DATA_DIR: join(folder, 'crash'),
    JOBS_EMBEDDED_FSYNC: 'false',
    PORT: '0',
    SINGLE_USER_API_KEY: key,
  }
  const before = await within(env, async ({ sql }) => {
    await sql`
      insert into jobs (uuid, domain, queue, job_type, payload, result, status, created_at, completed_at)
      select
        'old-' || i, 'history', 'default', 'export', jsonb_build_object('n', i, 'text', repeat('é', i % 300)),
        to_jsonb(i / 7.0), 'completed', now() - interval '60 days', now() - interval '50 days'
      from generate_series(1, ${rows}) as i`
    return fingerprint(sql)
  })
  console.log(
    `\n${rows.toLocaleString('en-US')} finished jobs are in another database. A prune begins, and its server is killed:`,
  )
  const prune = 'prune --domain history --older-than 30d --yes'
  const first = await serverProcess(env)
  const pruning = type(prune, first.url, key)
  const done = await progressOf(first.url)
  first.process.kill('SIGKILL')
  await once(first.process, 'close')
  expect('jobsctl says that it does not know', (await pruning).code !== 0)
  console.log(`(killed after ${done.toLocaleString('en-US')} jobs; the server is started again)`)

  const second = await serverProcess(env)
  expect('the second run completes', (await type(prune, second.url, key)).code === 0)
  const { output } = await type('operations', second.url, key)
  expect('the record says what happened', /partial/.test(output) && /done/.test(output))
  const ids = [...output.matchAll(/^(\d+) .*prune/gm)].map(([, id]) => id)
  expect('there are two of them', ids.length === 2)
  for (const id of ids)
    expect(`operation ${id} is undone`, (await type(`undo ${id} --yes`, second.url, key)).code === 0)
  expect('the records are as sealed', (await type('operations verify', second.url, key)).code === 0)
  second.process.kill('SIGTERM')
  await once(second.process, 'close')

  const after = await within(env, ({ sql }) => fingerprint(sql))
  expect(`all ${rows} jobs are as they were, byte for byte`, after === before)
  console.log(`\nAll ${rows.toLocaleString('en-US')} jobs are back: ${after}, as before.`)
}

async function within<T>(env: Record<string, string>, run: (running: Running) => Promise<T>): Promise<T> {
  const running = await start(readEnv(env), createLog({ write: () => {}, readable: true }))
  try {
    await running.prepared
    return await run(running)
  } finally {
    await running.stop()
  }
}

async function fingerprint(sql: Running['sql']): Promise<string> {
  const [row] = await sql<[{ print: string }]>`
    select count(*) || ' rows, md5 ' || md5(string_agg(jobs::text, chr(10) order by id)) as print from jobs`
  return row.print
}

async function serverProcess(env: Record<string, string>): Promise<{ url: string; process: ChildProcess }> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listening on (http:\/\/[^ "]+)/.exec(line)?.[1]
    if (url) {
      child.stdout.resume()
      return { url, process: child }
    }
  }
  throw new Error('the server did not start')
}

/** Waits until the prune is under way, and tells how far it is. */
async function progressOf(url: string): Promise<number> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const answer = await fetch(`${url}/api/v1/jobs/operations?limit=1`, { headers: { 'x-api-key': key } })
    const [operation] = answer.ok ? Records.parse(await answer.json()) : []
    if (operation && operation.affected > rows / 10) return operation.affected
    await wait(10)
  }
  throw new Error('the prune did not begin')
}

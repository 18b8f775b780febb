import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import type { Running } from '../../server/start.ts'
import { apiKey, endServer, launchServer, urlOf } from '../launch/server.ts'
import { withServer } from './built-server.ts'

const rows = 50_000
const Records = z.array(z.object({ affected: z.number() }))

/** The functions of the demo that the crash uses. */
export interface Demo {
  /** The folder of the demo. The server gets a subfolder. */
  folder: string
  /** Prints and runs a jobsctl command. Resolves to the exit code and the output. */
  runCommand: (line: string, url: string, key: string) => Promise<{ code: number; output: string }>
  /** Reports `expected` as failed when `met` is false. */
  expect: (expected: string, met: boolean) => void
}

/**
 * Kills a server during a prune of 50,000 jobs, prunes the rest, undoes both prunes, and compares the rows byte for
 * byte.
 */
export async function demonstrateCrash({ folder, runCommand, expect }: Demo): Promise<void> {
  const env = { JOBS_DATA_DIR: join(folder, 'crash'), JOBS_EMBEDDED_FSYNC: 'false', SINGLE_USER_API_KEY: apiKey }
  const before = await withServer(env, async ({ sql }) => {
    await sql`
      insert into jobs (uuid, domain, queue, job_type, payload, result, status, created_at, completed_at)
      select
        'old-' || i, 'history', 'default', 'export', jsonb_build_object('n', i, 'text', repeat('é', i % 300)),
        to_jsonb(i / 7.0), 'completed', now() - interval '60 days', now() - interval '50 days'
      from generate_series(1, ${rows}) as i`
    return fingerprint(sql)
  })
  console.log(
    `\n${rows.toLocaleString('en-US')} finished jobs are in another database. The server is killed during a prune:`,
  )
  const prune = 'prune --domain history --older-than 30d --yes'
  const first = launchServer({ folder, env })
  const firstUrl = await urlOf(first)
  const pruning = runCommand(prune, firstUrl, apiKey)
  const done = await waitForProgress(firstUrl)
  await endServer(first, 'SIGKILL')
  expect('jobsctl exits with an error', (await pruning).code !== 0)
  console.log(`(the server was killed after ${done.toLocaleString('en-US')} jobs, and is started again)`)

  const second = launchServer({ folder, env })
  const url = await urlOf(second)
  expect('the second prune completes', (await runCommand(prune, url, apiKey)).code === 0)
  const { output } = await runCommand('operations', url, apiKey)
  expect('the records are partial and done', /partial/.test(output) && /done/.test(output))
  const ids = [...output.matchAll(/^(\d+) .*prune/gm)].map(([, id]) => id)
  expect('the prunes have two records', ids.length === 2)
  for (const id of ids)
    expect(`operation ${id} is undone`, (await runCommand(`undo ${id} --yes`, url, apiKey)).code === 0)
  expect('the hash chain of the records holds', (await runCommand('operations verify', url, apiKey)).code === 0)
  await endServer(second, 'SIGTERM')

  const after = await withServer(env, ({ sql }) => fingerprint(sql))
  expect(`all ${rows} jobs are equal to the rows before the prune, byte for byte`, after === before)
  console.log(`\nAll ${rows.toLocaleString('en-US')} jobs are restored: ${after}, as before the prune.`)
}

/** Returns the number of jobs and an MD5 of their rows. */
async function fingerprint(sql: Running['sql']): Promise<string> {
  const [row] = await sql<[{ fingerprint: string }]>`
    select count(*) || ' rows, md5 ' || md5(string_agg(jobs::text, chr(10) order by id)) as fingerprint from jobs`
  return row.fingerprint
}

/**
 * Waits until the prune has deleted a tenth of the jobs. Resolves to the number of deleted jobs.
 * @throws Error after 30 s
 */
async function waitForProgress(url: string): Promise<number> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const response = await fetch(`${url}/api/v1/jobs/operations?limit=1`, { headers: { 'x-api-key': apiKey } })
    const [operation] = response.ok ? Records.parse(await response.json()) : []
    if (operation && operation.affected > rows / 10) return operation.affected
    await wait(10)
  }
  throw new Error('the prune deleted too few jobs within 30 s')
}

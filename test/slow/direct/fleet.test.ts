import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { newDatabase, newFolder } from '../../support/database/database.ts'
import { configHome } from '../../support/programs/config-home.ts'
import { openDirectDatabase, processes } from '../../support/programs/direct.ts'
import { jobsctlProcess } from '../../support/programs/jobsctl.ts'

/** A port that takes connections, and says nothing. */
async function silentPort(): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return address.port
}

it('asks databases without a server by a few processes, each of which serves one after the other', async () => {
  const [eu, us] = await Promise.all([1, 2].map(() => openDirectDatabase(newDatabase('postgres'))))
  if (!eu || !us) throw new Error('there are no databases')
  onTestFinished(async () => {
    await eu.drop()
    await us.drop()
  })
  for (const [place, { sql }] of Object.entries({ eu, us }))
    await sql`insert into jobs (domain, queue, job_type, status) values ('mail', ${place}, 'send', 'queued')`
  const hanging = await silentPort()
  const folder = await newFolder('started')
  const file = join(folder, 'started')
  // Each process writes down that it has begun.
  const begun = join(folder, 'begun.cjs')
  await writeFile(
    begun,
    `require('fs').appendFileSync(${JSON.stringify(file)}, process.argv.at(-1) + ' ' + process.pid + '\\n')`,
  )
  const names = Array.from({ length: 12 }, (_, at) => `p${String(at).padStart(2, '0')}`)
  const dbs = names.map((_, at) => (at % 2 ? us : eu).url)
  const profiles = {
    ...Object.fromEntries(names.map((name, at) => [name, { db: dbs[at] }])),
    'q-hangs': { db: `postgres://postgres@127.0.0.1:${hanging}/x` },
    'q-unknown': { db: Object.assign(new URL(eu.url), { pathname: '/not_there' }).href },
  }
  const { env } = await configHome({ profiles })
  const argv = ['stats', '--fleet', '*', '--profile-timeout', '5s', '--tsv']
  const { code, out, err } = await jobsctlProcess(argv, { env: { ...env, NODE_OPTIONS: `--require=${begun}` } })

  expect(out.trimEnd().split('\n')).toEqual(
    names.map((name, at) => `${name}\tmail\t${at % 2 ? 'us' : 'eu'}\tsend\t1\t0\t0\t0`),
  )
  expect(code).toBe(9)
  expect(err.split('\n').filter((line) => line.startsWith('error:'))).toEqual([
    'error: q-hangs: the database did not answer within 5 s; nothing was changed',
    'error: q-unknown: the database is not there: database "not_there" does not exist; nothing was changed',
  ])
  const started = (await readFile(file, 'utf8')).split('\n').flatMap((line) => /^--once (\d+)$/.exec(line)?.[1] ?? [])
  expect(started.length).toBeGreaterThan(0)
  expect(started.length).toBeLessThanOrEqual(4)
  expect((await processes()).filter(({ pid }) => started.includes(String(pid)))).toEqual([])
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, watch } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OnceOrder } from '../../../shared/once.ts'
import { newDatabase, newFolder } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { built } from '../../support/programs/built.ts'
import { type DirectDatabase, enqueue, openDirectDatabase, processes, serverOf } from '../../support/programs/direct.ts'
import { environmentOf, jobsctlProcess, startJobsctl } from '../../support/programs/jobsctl.ts'

let direct: DirectDatabase
/** Where the sockets of these runs stand. */
let sockets: string
beforeAll(async () => {
  direct = await openDirectDatabase(newDatabase('postgres'))
  sockets = await newFolder('s')
})
afterAll(() => direct.drop())

/** A command that runs until it is ended, its server, and the folder of its socket. */
async function startFollowing(env: Record<string, string> = {}, target = ['--db', direct.url]) {
  const before = new Set(await readdir(sockets))
  const child = await startJobsctl(['events', '--follow', ...target], { env: { TMPDIR: sockets, ...env } })
  const server = await until('the server starts', () => serverOf(child.process.pid))
  const folder = await until('there is a socket', async () => {
    const made = (await readdir(sockets)).find((name) => !before.has(name))
    return made !== undefined && existsSync(join(sockets, made, 'socket')) ? join(sockets, made) : undefined
  })
  return { child, server, folder }
}

const isGone = async (pid: number) => (await processes()).every((shown) => shown.pid !== pid)

/** The answer to a call through a socket. */
async function callSocket(folder: string, headers: Record<string, string> = {}) {
  const sent = request({ socketPath: join(folder, 'socket'), path: '/api/v1/jobs/stats', headers })
  sent.end()
  const [response] = await once(sent, 'response')
  return { status: response.statusCode, body: await text(response) }
}

describe('the server of a command', () => {
  it('is for its command alone: nobody else may enter its folder, has its key, or sees a port', async () => {
    const { child, server, folder } = await startFollowing()
    try {
      expect((await stat(folder)).mode & 0o777).toBe(0o700)
      expect(await callSocket(folder)).toMatchObject({ status: 401 })
      expect(await callSocket(folder, { 'X-API-KEY': 'key-of-somebody-else-who-guesses' })).toMatchObject({
        status: 401,
      })
      expect(await listeningPorts(server.pid)).toEqual([])
    } finally {
      child.process.kill('SIGINT')
    }
    expect((await child.ended).code).toBe(130)
    await until('the server is gone', () => isGone(server.pid))
    expect(existsSync(folder)).toBe(false)
  })

  it.each(['SIGKILL', 'SIGTERM'] as const)('ends with its command, which %s ends', async (signal) => {
    const { child, server, folder } = await startFollowing()
    child.process.kill(signal)
    await child.ended
    await until('the server is gone', () => isGone(server.pid))
    expect(existsSync(folder)).toBe(false)
  })

  it('leaves no folder where SIGTERM reaches it before its first answer', async () => {
    const order: OnceOrder = {
      ...{ database: direct.url, from: '--db', key: 'k'.repeat(40), dashboard: false, profile: null, log: false },
      ...{ makes_records: null, databases_like: null },
    }
    for (let run = 0; run < 5; run++) {
      const parent = await newFolder('s')
      const watched = watch(parent)
      const made = once(watched, 'change')
      const server = spawn(process.execPath, [built.server, '--once'], {
        env: await environmentOf({ XDG_RUNTIME_DIR: parent }),
      })
      server.stdin.write(`${JSON.stringify(order)}\n`)
      // The folder is made about a millisecond before the answer.
      await made
      watched.close()
      server.kill('SIGTERM')
      await once(server, 'close')
      expect(await readdir(parent)).toEqual([])
    }
  })

  it('gets no password on a command line or in its environment', async () => {
    const secret = 'S3cretW0rd'
    const JOBSCTL_DB_URL = Object.assign(new URL(direct.url), { password: secret }).href
    const { child, server } = await startFollowing({ JOBSCTL_DB_URL }, [])
    try {
      const shown = (await processes()).filter(({ pid }) => pid === child.process.pid || pid === server.pid)
      expect(shown).toHaveLength(2)
      expect((await processes()).filter(({ command }) => command.includes(secret))).toEqual([])
      expect(await readFile(`/proc/${server.pid}/environ`, 'utf8')).not.toContain(secret)
    } finally {
      child.process.kill('SIGINT')
    }
    await child.ended
  })

  it('that dies ends its command with an error', async () => {
    await direct.jobsctl(['enqueue', 'app/dies', '--job-type', 'send'])
    const child = await direct.start(['events', '--follow', '--all'])
    // The socket stands before the server is ready: the first event is what its command got from it.
    await until('the command has an event', () => child.output.out !== '')
    const server = await until('the server is found', () => serverOf(child.process.pid))
    process.kill(server.pid, 'SIGKILL')
    const { code, err } = await child.ended
    expect([code, err]).toEqual([1, expect.stringContaining('the server that this command had started is gone')])
  })

  it('is started by jobsctl alone', async () => {
    const running = spawn(process.execPath, [built.server, '--once'], { env: await environmentOf() })
    running.stdin.end('{}\n')
    expect(JSON.parse(await text(running.stdout))).toMatchObject({ failed: { code: 'usage' } })
  })
})

describe('a command', () => {
  it('leaves no process and no socket behind', async () => {
    await enqueue(direct, 2)
    const { pid } = process
    const before = await readdir(sockets)
    const { code, out, err } = await jobsctlProcess(
      ['list', '--domain', 'app', '--queue', 'mail', '--ids', '--db', direct.url],
      { env: { TMPDIR: sockets } },
    )
    expect([code, out.split('\n').length, err]).toEqual([0, 3, ''])
    expect(await readdir(sockets)).toEqual(before)
    expect((await processes()).filter(({ parent, command }) => parent === pid && command.includes('--once'))).toEqual(
      [],
    )
  })

  it('runs beside another one', async () => {
    const runs = await Promise.all(
      [1, 2].map(() => jobsctlProcess(['enqueue', 'app/two', '--job-type', 'send', '--db', direct.url])),
    )
    expect(runs.map(({ code }) => code)).toEqual([0, 0])
    expect(await direct.sql`select from jobs where queue = 'two'`).toHaveLength(2)
  })

  it('ends quietly where its reader ends first', async () => {
    const env = { ...(await environmentOf()), PATH: process.env.PATH }
    const command = `"${process.execPath}" "${built.jobsctl}" events --follow --all --db "${direct.url}" | head -n 1`
    const shell = spawn('bash', ['-o', 'pipefail', '-c', command], { env })
    const [out, err] = await Promise.all([text(shell.stdout), text(shell.stderr)])
    expect([out.split('\n').length, err]).toEqual([2, ''])
  })

  it('that is killed in a change leaves a record, which the next change closes', async () => {
    const { sql } = direct
    await enqueue(direct, 500)
    const child = await direct.start(['cancel', '--all', '--yes', '--rate', '5'])
    const server = await until('the server starts', () => serverOf(child.process.pid))
    await until('the change runs', async () => (await sql`select from jobs where status = 'cancelled'`).length > 0)
    process.kill(server.pid, 'SIGKILL')
    expect((await child.ended).code).not.toBe(0)
    const running = () => sql`select from job_operations where state = 'running'`
    expect(await running()).toHaveLength(1)
    await sql`update job_operations set touched_at = now() - interval '1 minute' where state = 'running'`
    await enqueue(direct, 1)
    expect(await running()).toEqual([])
    await sql`delete from jobs`
  })

  it('stops a change after its batch where Ctrl-C ends it', async () => {
    const { sql } = direct
    await enqueue(direct, 500)
    const child = await direct.start(['cancel', '--all', '--yes', '--rate', '5'])
    await until('the change runs', async () => (await sql`select from jobs where status = 'cancelled'`).length > 0)
    child.process.kill('SIGINT')
    expect((await child.ended).code).toBe(130)
    await until(
      'the record is closed',
      async () => (await sql`select from job_operations where state = 'running'`).length === 0,
    )
    expect((await sql`select from jobs where status = 'queued'`).length).toBeGreaterThan(0)
    await sql`delete from jobs`
  })
})

/** The TCP ports on which a process listens, as /proc has them. */
async function listeningPorts(pid: number): Promise<string[]> {
  const lines = (await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8'))))
    .flatMap((table) => table.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === '0A')
  const files = await readdir(`/proc/${pid}/fd`)
  const own = new Set(await Promise.all(files.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))))
  return lines.filter((fields) => own.has(`socket:[${fields[9]}]`)).map((fields) => fields[1] ?? '')
}

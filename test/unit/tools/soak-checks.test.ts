import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unexcused } from '../../../scripts/campaigns/soak/actors/failures.ts'
import { checkMemory } from '../../../scripts/campaigns/soak/checks/memory.ts'
import { checkServerLogs } from '../../../scripts/campaigns/soak/checks/server-logs.ts'
import { mustLook } from '../../../scripts/campaigns/verdict.ts'

/** Samples of a minute each, whose memory is that of the function. */
const samples = (minutes: number, memory: (minute: number) => number) =>
  Array.from({ length: minutes }, (_, at) => ({ pid: 1, at: at * 60, memory: memory(at), descriptors: 30 }))

describe('the soak sees', () => {
  it('memory that grows in an hour, and in a few minutes, but not the growth of the first minutes', () => {
    const faultsOf = (all: ReturnType<typeof samples>) => checkMemory(all, 1).verdict.wrong
    expect(faultsOf(samples(60, (at) => 100 + at))).toEqual([expect.stringContaining('60.0 MiB an hour')])
    expect(faultsOf(samples(60, (at) => 100 + at / 6))).toEqual([])
    expect(faultsOf(samples(60, (at) => (at < 5 ? 40 : 160)))).toEqual([])
    expect(faultsOf(samples(15, (at) => 100 + 12 * at))).toEqual([expect.stringContaining('memory has grown')])
    expect(faultsOf(samples(15, () => 320))).toEqual([expect.stringContaining('a server had 320 MiB')])
    expect(faultsOf([])).toEqual([expect.stringContaining('did not live long enough')])
  })

  it('a call that fails although its server runs', () => {
    const failure = (server: string, began: number) => ({ what: 'a call', server, began, ended: began + 10 })
    const servers = [
      { url: 'http://one', outages: [{ server: 'http://one', from: 10_000, to: 20_000 }] },
      { url: 'http://two', outages: [] },
    ]
    const failures = [failure('http://one', 12_000), failure('http://one', 40_000), failure('http://two', 12_000)]
    expect(unexcused(failures, servers)).toEqual([failures[1], failures[2]])
  })

  it('a check that had nothing to look at', () => {
    const verdict = (looked: number, wrong: string[] = []) => ({ claim: 'all is well', looked, wrong })
    expect(mustLook(verdict(0)).wrong).toEqual(['nothing was looked at'])
    expect(mustLook(verdict(0, ['a fault'])).wrong).toEqual(['a fault', 'nothing was looked at'])
    expect(mustLook(verdict(1))).toEqual(verdict(1))
  })

  it('an answer of 5xx in the log of a server, but for one that starts or was sent a signal', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'jobs-soak-test-'))
    const line = (second: number, fields: object) =>
      `${JSON.stringify({ time: new Date(second * 1000).toISOString(), level: 'info', ...fields })}\n`
    const request = (second: number, status: number) => line(second, { message: 'request', status })
    const listening = (url: string) => line(0, { message: `listening on ${url}` })
    const ready = line(2, { message: 'ready' })
    const stopped = line(100, { message: 'stopped' })
    const servers = [
      { url: 'http://one', outages: [{ server: 'http://one', from: 95_000, to: 105_000 }] },
      { url: 'http://two', outages: [] },
    ]
    const early = listening('http://one') + request(1, 503) + ready + request(3, 200)
    await writeFile(join(folder, 'server-1.log'), early + request(96, 503) + stopped)
    expect(await checkServerLogs(folder, servers)).toMatchObject({ looked: 3, wrong: [] })
    await writeFile(join(folder, 'server-1.log'), early + request(94, 503) + request(96, 503) + stopped)
    expect((await checkServerLogs(folder, servers)).wrong).toEqual([request(94, 503).trim()])
    await writeFile(join(folder, 'server-2.log'), listening('http://two') + ready + request(3, 500) + request(96, 503))
    expect((await checkServerLogs(folder, servers)).wrong).toHaveLength(3)
    await rm(folder, { recursive: true })
  })
})

import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { newFolder } from '../support/database/database.ts'
import { paths } from './support/answers.ts'
import { besideEach } from './support/old-build.ts'
import { clear, countJobs, everything, insertJobs, readRecords } from './support/rows.ts'
import { openPair, type Pair, type Side } from './support/side-by-side.ts'
import { enqueue } from './support/worker.ts'

besideEach(
  (old) => `beside ${old}`,
  (old) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one: old, other: 'new' })
    })
    afterAll(() => pair?.close())
    beforeEach(() => clear(pair.sql))

    describe.each([
      { cli: old, server: 'new' },
      { cli: 'new', server: old },
    ] as const)('jobsctl of the $cli build against the $server server', ({ cli, server }) => {
      const at = (): Side => (server === old ? pair.one : pair.other)
      const run = (...argv: string[]) => pair.jobsctl(cli, at(), argv)
      const prune = ['prune', '--domain', 'chatbooks', '--older-than', '30d']

      it('shows stats, for people and for programs', async () => {
        const { sql } = pair
        await insertJobs(sql, { n: 4, status: 'queued' })
        await insertJobs(sql, { n: 2, status: 'quarantined', queue: 'low' })
        await insertJobs(sql, { n: 1, domain: 'media' })
        const argvs = [['stats'], ['stats', '--json'], ['stats', '-o', 'table']]
        const [tsv, json, table] = await Promise.all(argvs.map((argv) => run(...argv)))
        const rows = ['chatbooks\tdefault\texport\t4\t0\t0\t0', 'chatbooks\tlow\texport\t0\t0\t0\t2']
        expect(tsv).toEqual({
          code: 0,
          out: `${[...rows, 'media\tdefault\texport\t0\t0\t0\t0'].join('\n')}\n`,
          err: '',
        })
        expect(JSON.parse(json?.out ?? '')).toEqual((await at().get(paths.stats)).body)
        expect(table).toMatchObject({ code: 0, out: expect.stringContaining('chatbooks/low') })
      })

      it('previews a prune, and changes nothing without --yes or beyond --max', async () => {
        await insertJobs(pair.sql, { n: 5 })
        const before = await everything(pair.sql)
        const sentence = 'would delete 5 jobs in chatbooks\n'
        const flags = [['--dry-run'], ['--dry-run', '--detailed-exitcode'], [], ['--max', '4', '--yes']]
        const runs = await Promise.all(flags.map((more) => run(...prune, ...more)))
        expect(runs).toEqual([
          { code: 0, out: sentence, err: '' },
          { code: 10, out: sentence, err: '' },
          { code: 3, out: '', err: expect.stringContaining(sentence) },
          { code: 8, out: '', err: expect.stringContaining('nothing was changed') },
        ])
        expect(await everything(pair.sql)).toEqual(before)
        expect(await readRecords(pair.sql)).toEqual([])
      })

      it('prunes, shows the operation, and undoes it', async () => {
        const { sql } = pair
        await insertJobs(sql, { n: 5 })
        const before = await everything(sql)
        const pruned = await run(...prune, '--yes', '--json', '--reason', 'nächtlich 📚')
        expect(pruned).toMatchObject({ code: 0, err: '' })
        const result: Record<string, unknown> = JSON.parse(pruned.out)
        const [id] = z.array(z.number()).parse(result.operation_ids)
        expect(result).toMatchObject({ operation: 'prune', dry_run: false, affected: 5 })
        expect(await countJobs(sql)).toBe(0)

        const argvs = [
          ['operations', '--kind', 'prune'],
          ['operations', `${id}`],
          ['undo', `${id}`, '--dry-run'],
        ]
        const [listed, shown, preview] = await Promise.all(argvs.map((argv) => run(...argv)))
        expect(listed?.out.split('\t')).toEqual(expect.arrayContaining([`${id}`, 'prune', 'done', '5', 'nächtlich 📚']))
        expect(shown?.out.split('\n')).toEqual(expect.arrayContaining(['affected\t5', 'now.archived\t5']))
        expect(preview).toMatchObject({ code: 0, out: expect.stringContaining('5 jobs'), err: '' })
        expect(await run('undo', `${id}`, '--yes')).toEqual({
          ...{ code: 0, out: `gave back 5 jobs of operation ${id}\n`, err: '' },
        })
        expect(await everything(sql)).toEqual(before)
        expect(await run('operations', 'verify')).toMatchObject({ code: 0 })
      })

      it('applies a plan that jobsctl of the other build has written, once', async () => {
        await insertJobs(pair.sql, { n: 3 })
        const plan = join(await newFolder('plan'), 'plan.json')
        const planned = await pair.jobsctl(cli === old ? 'new' : old, at(), [...prune, '--dry-run', '--plan-out', plan])
        expect(planned).toMatchObject({ code: 0, err: '' })
        await insertJobs(pair.sql, { n: 2 })
        expect(await run('apply', plan, '--yes')).toEqual({ code: 0, out: 'deleted 3 jobs in chatbooks\n', err: '' })
        expect(await run('apply', plan, '--yes')).toMatchObject({ code: 6, out: '' })
        expect(await countJobs(pair.sql)).toBe(2)
      })

      it('sweeps, requeues and repairs', async () => {
        const { sql } = pair
        await insertJobs(sql, { n: 2, status: 'quarantined' })
        expect(await run('requeue', '--domain', 'chatbooks', '--yes')).toMatchObject({ code: 0, err: '' })
        await sql`update jobs set lease_id = 'left'`
        expect(await run('integrity', '--all', '--detailed-exitcode')).toMatchObject({ code: 10 })
        expect(await run('integrity', '--all', '--fix', '--yes')).toMatchObject({ code: 0, err: '' })
        expect(await run('integrity', '--all', '--detailed-exitcode')).toMatchObject({ code: 0 })
        expect(await run('sweep', '--all', '--age', '1h', '--yes')).toMatchObject({ code: 0, err: '' })
        expect([...(await sql`select status, count(*)::int as n from jobs group by status`)]).toEqual([
          { status: 'cancelled', n: 2 },
        ])
      })

      it('pauses a queue, enqueues a job, and reads the events of both servers', async () => {
        const { sql } = pair
        for (const side of pair.both) await enqueue(side)
        expect(await run('pause', 'chatbooks/default')).toMatchObject({ code: 0 })
        expect(await run('queues')).toMatchObject({ code: 0, out: expect.stringContaining('chatbooks\tdefault') })
        expect(await run('resume', 'chatbooks/default')).toMatchObject({ code: 0 })
        const argv = ['enqueue', 'chatbooks/default', '--job-type', 'export', '--payload', '{"n": 1}', '--delay', '1h']
        expect(await run(...argv)).toMatchObject({ code: 0, err: '' })
        // A new server refuses ids beyond the end of its log, and the old build looks for the last events there.
        const events = await run('events', '--domain', 'chatbooks', '--json', '--after', '0')
        expect(events).toMatchObject({ code: 0, err: '' })
        const created = z
          .array(z.object({ event_type: z.string(), job_id: z.number().nullish() }))
          .parse(JSON.parse(events.out))
          .filter(({ event_type }) => event_type === 'job.created')
        const jobs = await sql<{ id: number }[]>`select id::int from jobs order by id`
        expect(created.map(({ job_id }) => job_id)).toEqual(jobs.map(({ id }) => id))
        expect(jobs).toHaveLength(3)
      })

      it('finds nothing to complain of, and ends with the exit codes of a refusal', async () => {
        expect(await run('doctor')).toMatchObject({ code: 0 })
        expect(await run('undo', '999', '--yes')).toMatchObject({ code: 5 })
        const wrong = await pair.jobsctl(cli, at(), ['stats'], { JOBSCTL_API_KEY: 'wrong' })
        expect(wrong).toMatchObject({ code: 4, out: '' })
      })
    })
  },
)

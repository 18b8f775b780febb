import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { measureAlternately, percentileOf, type Side } from '../../measure.ts'
import { createDatabase } from '../../setup/create-database.ts'
import { large, liveRowsOnly } from '../../setup/large.ts'
import type { BenchServer } from '../../setup/servers.ts'

const list = '/api/v1/jobs/list'

/** The filters that an index serves, each sorted by both times; the values are those of the filled table. */
const filters = [
  'status=failed',
  'status=queued',
  'domain=domain3',
  'queue=queue2',
  'job_type=type4',
  'owner_user_id=17',
  'domain=domain3&queue=queue2',
  'domain=domain3&status=failed',
  'owner_user_id=17&status=failed',
]
const sorts = ['created_at', 'ended_at']
const pages = filters.flatMap((filter) => sorts.map((sort) => `${list}?${filter}&sort_by=${sort}&limit=50`))

/** The 95th percentile of 20 calls of a path, in milliseconds. */
const p95Of = (server: BenchServer, path: string) => percentileOf(0.95, 20, () => server.api.get(path))

/** The slowest of the paths by its 95th percentile, in milliseconds. */
const slowest =
  (server: BenchServer, paths: readonly string[], worst: Map<string, number>): Side =>
  async () => {
    let most = 0
    for (const path of paths) {
      const p95 = await p95Of(server, path)
      worst.set(path, Math.max(p95, worst.get(path) ?? 0))
      most = Math.max(most, p95)
    }
    return most
  }

/** A figure with a limit in milliseconds in place of a baseline. */
const limit = (ms: number): Pick<Figure, 'against' | 'unit' | 'ratio' | 'target'> => ({
  against: `${ms} ms`,
  unit: 'ms',
  ratio: 'ours / against',
  target: { atMost: 1 },
})

const failuresDatabase = async (bench: Bench, name: string, texts: number): Promise<BenchServer> => {
  await createDatabase(bench, name)
  const sql = bench.sqlOf(name)
  await sql`
    insert into jobs (uuid, domain, queue, job_type, status, payload, error_code, error_message, completed_at)
    select
      'job-' || i, 'domain' || i % 10, 'queue' || i % 5, 'type' || i % 6, 'failed', '{}', 'timeout',
      'no answer from host-' || chr(97 + (i % ${texts}::int / 676) % 26) || chr(97 + (i % ${texts}::int / 26) % 26)
        || chr(97 + i % ${texts}::int % 26) || ' after ' || i % ${texts}::int || ' ms in "/tmp/' || md5((i % ${texts}::int)::text) || '"',
      now() - i * interval '1 second'
    from generate_series(1, 100000) as i`
  await sql`vacuum (analyze)`
  return bench.serve(name)
}

const clusters = (texts: number, ms: number): Figure => ({
  name: `clusters: 100,000 failed jobs, ${texts.toLocaleString('en')} texts`,
  ...limit(ms),
  async measure(bench) {
    const server = await failuresDatabase(bench, `clusters_${texts}`, texts)
    const side = () => percentileOf(0.5, 3, () => server.api.get('/api/v1/jobs/clusters?status=failed'))
    const pair = await measureAlternately({ rounds: 3 }, side, async () => ms)
    await server.stop()
    return pair
  },
})

/** The reads of operators: lists, one job, why it does not run, and heaps of failures. */
export const reads: readonly Figure[] = [
  {
    name: 'list: p95 of the slowest of 18 filters, 50 rows',
    ...limit(50),
    async measure(bench) {
      const { server } = await large(bench)
      const worst = new Map<string, number>()
      const pair = await measureAlternately({ rounds: 3 }, slowest(server, pages, worst), async () => 50)
      const above = [...worst]
        .filter(([, ms]) => ms > 50)
        .map(([path, ms]) => `${path.slice(list.length + 1)} ${Math.round(ms)} ms`)
      return above.length === 0 ? pair : { ...pair, note: `above 50 ms at least once: ${above.join('; ')}` }
    },
  },
  {
    name: 'list: one domain, newest first',
    ...{ against: 'a table of a twentieth of the rows', unit: 'ms', ratio: 'ours / against', target: { atMost: 1.5 } },
    async measure(bench) {
      const [{ server }, small] = [await large(bench), await liveRowsOnly(bench)]
      const path = `${list}?domain=domain3&limit=50`
      return measureAlternately(
        { rounds: 7 },
        () => p95Of(server, path),
        () => p95Of(small, path),
      )
    },
  },
  {
    name: 'list: a filter without an index',
    ...limit(200),
    async measure(bench) {
      const { server } = await large(bench)
      const path = `${list}?error=nowhere&limit=50`
      return measureAlternately(
        { rounds: 5 },
        () => p95Of(server, path),
        async () => 200,
      )
    },
  },
  {
    name: 'show: one job',
    ...{ against: 'GET /readyz', unit: 'ms', ratio: 'ours / against', target: { atMost: 3 } },
    async measure(bench) {
      const { server, sql } = await large(bench)
      const [job] = await sql<{ id: string }[]>`select id from jobs where status = 'failed' order by id desc limit 1`
      const path = `/api/v1/jobs/${job?.id}`
      const mean = (url: string) => () => percentileOf(0.5, 100, () => server.api.get(url))
      return measureAlternately({ rounds: 7 }, mean(path), mean('/readyz'))
    },
  },
  {
    name: 'explain: a job beside 200,000 queued jobs',
    ...limit(30),
    async measure(bench) {
      await createDatabase(bench, 'explained')
      const sql = bench.sqlOf('explained')
      await sql`
        insert into jobs (uuid, domain, queue, job_type, status, payload)
        select 'job-' || i, 'domain', 'queue', 'task', 'queued', '{}' from generate_series(1, 200000) as i`
      await sql`vacuum (analyze)`
      const server = await bench.serve('explained')
      const explained = (id: number) => () => percentileOf(0.95, 20, () => server.api.get(`/api/v1/jobs/${id}/explain`))
      const pair = await measureAlternately({ rounds: 5 }, explained(199_000), async () => 30)
      await server.stop()
      return pair
    },
  },
  clusters(1000, 300),
  clusters(100_000, 1500),
]

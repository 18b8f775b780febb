import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { enqueueWith } from '../../../sdk/client.ts'
import { acquire, enqueue } from '../../../shared/endpoints.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { held, jobPath, jobPaths } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const place = { domain: 'chatbooks', queue: 'default' }
const keys = ['a', 'b', 'c']
const callers = 20
const wanted = 300

let world: World
let other: ServerProcess
beforeAll(async () => {
  world = await openWorld('postgres')
  other = await spawnServer(world.env)
})
afterAll(async () => {
  await other?.kill()
  await world?.stop()
})

const jobOf = (key: string) => ({
  ...{ ...place, job_type: 'export', payload: { key } },
  ...{ idempotency_key: key, unique: 'while_queued' as const },
})

/** The keys that two jobs have at once, which are queued or processing. */
const doubled = () => world.sql<{ key: string }[]>`
  select payload ->> 'key' as key from jobs where status in ('queued', 'processing') group by 1 having count(*) > 1`

it('of twenty callers at two servers, of which one is killed, and in SQL, one at a time has a key', async () => {
  let [over, kills] = [false, 0]
  const refused = new Set<string>()
  const answers: { created: boolean; uuid: string | null }[] = []
  const send = (nth: number, path: string, body: object) =>
    call({
      url: nth % 2 === 0 ? world.url : other.url,
      method: 'POST',
      path,
      body,
      headers: { 'x-api-key': world.key },
    })
  const caller = async (nth: number) => {
    for (let at = nth; !over; at += 1) {
      const key = keys[at % keys.length] ?? ''
      if (nth === 0) {
        answers.push(await enqueueWith(world.sql)(jobOf(key)))
        continue
      }
      const body = nth % 3 === 0 ? { jobs: keys.toReversed().map(jobOf) } : jobOf(key)
      const answer = await send(nth, nth % 3 === 0 ? jobPaths.batch : jobPaths.enqueue, body).catch(() => undefined)
      if (answer === undefined) await wait(20)
      else if (answer.status >= 300) {
        const text = JSON.stringify(answer.body)
        // The other server has just been started again.
        if (!text.includes('the database is not ready yet')) refused.add(text)
        await wait(20)
      } else if (nth % 3 !== 0) answers.push(enqueue.output.parse(answer.body))
    }
  }
  /** Ends jobs in each way, one in four past the servers. */
  const worker = async (nth: number) => {
    for (let done = nth; !over; done += 1) {
      const answer = await send(nth, jobPaths.acquire, { ...place, worker_id: `w-${nth}` }).catch(() => undefined)
      const jobs = answer?.status === 200 ? acquire.output.parse(answer.body).jobs : []
      if (jobs.length === 0) await wait(5)
      for (const job of jobs) {
        if (done % 4 === 0) await world.sql`update jobs set status = 'completed' where id = ${job.id}`
        else
          await send(nth, jobPath(job.id, done % 4 === 1 ? 'fail' : 'complete'), {
            ...held(job),
            ...(done % 4 === 1 && { error: 'it broke', retryable: false }),
          }).catch(() => {})
      }
    }
  }
  const all = [
    ...Array.from({ length: callers }, (_, nth) => caller(nth)),
    ...Array.from({ length: 3 }, (_, nth) => worker(nth)),
  ]
  let looks = 0
  try {
    await until(
      'enough jobs have ended',
      async () => {
        expect([...(await doubled())]).toEqual([])
        looks += 1
        const count = await world.count()
        if (kills < 2 && count > (wanted / 3) * (kills + 1)) {
          kills += 1
          await other.kill()
          other = await spawnServer(world.env)
        }
        return count >= wanted
      },
      240_000,
    )
  } finally {
    over = true
    await Promise.all(all)
  }
  expect({ kills, refused: [...refused] }).toEqual({ kills: 2, refused: [] })
  expect(looks).toBeGreaterThan(20)
  const uuids = new Set((await world.rows()).map(({ uuid }) => uuid))
  for (const { uuid } of answers) expect(uuids.has(uuid ?? '')).toBe(true)
  const created = answers.flatMap((one) => (one.created ? [one.uuid] : []))
  expect(new Set(created).size).toBe(created.length)
  expect(answers.some((one) => !one.created)).toBe(true)
}, 600_000)

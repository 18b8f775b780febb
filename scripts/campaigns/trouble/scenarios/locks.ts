import { setTimeout as wait } from 'node:timers/promises'
import { enqueueByHttp, pruneByHttp, pruneByJobsctl, sweepByJobsctl, type Tried, tryOnce } from '../actions.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'

const errors = 'docs/reference/errors.md'
const bulk = [pruneByJobsctl, pruneByHttp, sweepByJobsctl]

const busy = {
  page: errors,
  sentence: 'a lock, a deadlock or the longest statement time was met, or a table was altered; nothing was changed',
}

/** Tries each action while a transaction of another program stays open, after `take` has run in it. */
async function besideTransaction(stage: Stage, take: (domain: string) => string): Promise<Tried[]> {
  const tries: Tried[] = []
  await stage.withServer(
    async ({ url }) => {
      for (const action of [...bulk, enqueueByHttp]) {
        const other = await stage.sql.reserve()
        const at = async (domain: string) => {
          await other.unsafe(`begin; ${take(domain)}`)
          return { url, release: () => other.unsafe('rollback') }
        }
        tries.push(await tryOnce(stage, action, at).finally(other.release))
      }
    },
    { env: { JOBS_LOCK_TIMEOUT_SECONDS: '1' } },
  )
  return tries
}

/** Tries each action while other programs write its jobs in two orders, and so meet deadlocks. */
async function besideDeadlocks(stage: Stage): Promise<Tried[]> {
  const tries: Tried[] = []
  await stage.withServer(async ({ url }) => {
    for (const action of [...bulk, ...(stage.short ? [] : [...bulk, ...bulk])]) {
      let over = false
      const writers: Promise<void>[] = []
      const at = (domain: string) => {
        for (const order of ['asc', 'desc']) writers.push(write(stage, { domain, order, isOver: () => over }))
        return { url }
      }
      tries.push(await tryOnce(stage, action, at))
      over = true
      await Promise.all(writers)
    }
  })
  return tries
}

interface Writing {
  domain: string
  order: string
  isOver: () => boolean
}

/** Locks jobs one by one in an order; a deadlock ends the transaction, and the next one begins. */
async function write({ sql }: Stage, { domain, order, isOver }: Writing): Promise<void> {
  while (!isOver()) {
    await sql
      .unsafe(
        `do $$ declare one bigint; begin
          for one in select id from jobs where domain = '${domain}' order by id ${order} limit 200 loop
            perform from jobs where id = one for update;
          end loop;
        end $$`,
      )
      .catch(() => {})
    await wait(5)
  }
}

/** Tries each action beside a trigger of another program that takes its time for each statement. */
async function besideSlowTrigger(stage: Stage): Promise<Tried[]> {
  const tries: Tried[] = []
  await stage.sql.unsafe(`
    create function takes_its_time() returns trigger language plpgsql as $$
      begin perform pg_sleep(3 * random()); return null; end $$;
    create trigger takes_its_time after insert or update or delete on jobs for each statement execute function takes_its_time()`)
  const untouched = () => stage.sql.unsafe('drop function takes_its_time cascade')
  const env = { JOBS_STATEMENT_TIMEOUT_SECONDS: '1' }
  const [times, some] = stage.short ? [1, [pruneByJobsctl, pruneByHttp]] : [5, bulk]
  await stage
    .withServer(
      async ({ url }) => {
        for (const action of Array.from({ length: times }, () => [...some, enqueueByHttp]).flat()) {
          tries.push(await tryOnce(stage, action, () => ({ url })))
        }
      },
      { env },
    )
    .finally(untouched)
  return tries
}

export const locks: readonly Scenario[] = [
  {
    trouble: 'another program holds a lock on the whole table of jobs',
    promised: busy,
    allowed: ['database_busy'],
    run: (stage) => besideTransaction(stage, () => 'lock table jobs in access exclusive mode'),
  },
  {
    trouble: 'a session is idle in a transaction, and holds five of the jobs',
    promised: {
      page: 'docs/operate/changes.md',
      sentence:
        'it passes over jobs that other transactions hold, looks at them again for a few seconds (`JOBS_LOCK_TIMEOUT_SECONDS`), then leaves them and says how many.',
    },
    allowed: ['ok'],
    run: (stage) =>
      besideTransaction(stage, (domain) => `select from jobs where domain = '${domain}' limit 5 for update`),
  },
  {
    trouble: 'a session is idle in a transaction with an old snapshot',
    promised: {
      page: 'docs/operate/changes.md',
      sentence: 'A big change runs in transactions of about 100 ms each. It waits for no worker',
    },
    allowed: ['ok'],
    run: (stage) =>
      besideTransaction(stage, () => 'set transaction isolation level repeatable read; select count(*) from jobs'),
  },
  {
    trouble: 'other programs lock the same jobs in two orders, and meet deadlocks',
    promised: busy,
    allowed: ['ok', 'database_busy', 'partial'],
    run: besideDeadlocks,
  },
  {
    trouble: 'statements take up to 3 s, and the longest statement time is 1 s',
    promised: busy,
    // A caller that hears nothing for too long is told that the outcome is not known.
    allowed: ['ok', 'database_busy', 'partial', 'outcome_unknown'],
    run: besideSlowTrigger,
  },
]

import fc from 'fast-check'

/** Domain and queue, as the commands and the model name them. */
export const places = ['shop/mail', 'shop/print', 'bank/mail'] as const
export type Place = (typeof places)[number]
export const workers = ['w1', 'w2', 'w3'] as const

type Value<A> = A extends fc.Arbitrary<infer T> ? T : never

/** One in `n` is true. */
const oneIn = (n: number) => fc.nat(n - 1).map((drawn) => drawn === n - 1)
/** One in `n` is there. */
const seldom = <T>(n: number, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: n - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

/** One place is the busiest, since what jobs do to each other happens where many meet. */
const at = fc.oneof(
  { weight: 6, arbitrary: fc.constant(places[0]) },
  { weight: 1, arbitrary: fc.constantFrom(...places) },
)
const worker = fc.constantFrom(...workers)
const type = fc.constantFrom('a', 'b')
const owner = fc.constantFrom('ann', 'bob')
/** Which of those that are there, counted from the newest. */
const pick = fc.nat(20)
export const newest = <T>(list: readonly T[], pick: number): T | undefined => list.at(-1 - (pick % (list.length || 1)))

const wish = fc.record({
  at,
  type,
  owner: seldom(2, owner),
  priority: seldom(2, fc.constantFrom(1, 5, 9)),
  max_retries: seldom(2, fc.constantFrom(0, 1, 5)),
  threshold: seldom(3, fc.constantFrom(1, 3)),
  key: seldom(4, fc.constantFrom('k1', 'k2')),
  /** Minutes from now. */
  due_in: seldom(5, fc.constantFrom(-5, 1, 60)),
  needs: fc.oneof(
    { weight: 4, arbitrary: fc.constant<number[]>([]) },
    { weight: 2, arbitrary: fc.array(pick, { minLength: 1, maxLength: 2 }) },
  ),
  needs_nobody: oneIn(40),
})
export type Wish = Value<typeof wish>

/** Mostly who holds a job; else who held one once, another worker with that lease, or nobody with a job that never was. */
const who = fc.oneof(
  { weight: 12, arbitrary: fc.constant('holder') },
  { weight: 2, arbitrary: fc.constant('former') },
  { weight: 1, arbitrary: fc.constantFrom('other worker', 'nobody') },
)
export type Who = Value<typeof who>

const lease = fc.constantFrom(60, 60, 600, 3600)

const extension = fc.record({ who, pick, lease, progress: seldom(2, fc.constantFrom(0, 50)) })

const ending = fc.record({
  who: fc.oneof({ weight: 5, arbitrary: who }, { weight: 1, arbitrary: fc.constant('again') }),
  pick,
  token: fc.constantFrom(undefined, 't1', 't2'),
  /** A repetition with the token that it had at first. */
  same_token: oneIn(2).map((other) => !other),
  action: fc.constantFrom('complete', 'complete', 'fail', 'fail', 'fail', 'fail', 'fail', 'release', 'release'),
  code: fc.constantFrom('x', 'x', 'x', 'x', 'x', 'y', 'lease_expired', undefined),
  retryable: oneIn(8).map((final) => !final),
  backoff: fc.constantFrom(0, 0, 0, 0, 0, 60, 1000, 3600, undefined),
})
export type Ending = Value<typeof ending>

const scope = fc.record({
  domain: seldom(3, fc.constantFrom('shop', 'shop', 'bank')),
  queue: seldom(5, fc.constantFrom('mail', 'mail', 'print')),
  job_type: seldom(5, type),
})

/** What the changes of operators have in common. */
const change = { scope, dry_run: oneIn(4), max: seldom(8, fc.constantFrom(1, 2)) }
const age = fc.constantFrom(60, 60, 3600, 86_400)

const calls = {
  enqueue: fc.record({
    call: fc.constant('enqueue'),
    jobs: fc.array(wish, { minLength: 1, maxLength: 4 }),
    batch: oneIn(3),
  }),
  acquire: fc.record({
    call: fc.constant('acquire'),
    at,
    worker,
    lease,
    limit: fc.constantFrom(1, 2, 2, 5),
    job_types: seldom(8, fc.constantFrom(['a'], ['b'], ['a', 'b'])),
    owner: seldom(10, owner),
  }),
  /** All workers at once. */
  race: fc.record({ call: fc.constant('race'), at, lease, limit: fc.constantFrom(1, 2) }),
  renew: fc.record({
    call: fc.constant('renew'),
    items: fc.array(extension, { minLength: 1, maxLength: 2 }),
    batch: oneIn(3),
  }),
  finish: fc.record({
    call: fc.constant('finish'),
    items: fc.array(ending, { minLength: 1, maxLength: 3 }),
    batch: oneIn(3),
    /** The same call twice at once, as an impatient worker makes it. */
    twice: oneIn(4),
  }),
  cancel: fc.record({
    call: fc.constant('cancel'),
    /** Only running jobs are picked from. */
    running: oneIn(2),
    pick,
    force: oneIn(4),
    reason: seldom(2, fc.constant('enough')),
  }),
  control: fc.record({
    call: fc.constant('control'),
    at,
    action: fc.constantFrom('pause', 'drain', 'resume', 'resume'),
    reason: seldom(2, fc.constant('repairs')),
  }),
  /** After how many failures jobs of a queue are quarantined; 0 is never, null as the server says. */
  threshold: fc.record({ call: fc.constant('threshold'), at, threshold: fc.constantFrom(0, 1, 3, null) }),
  prune: fc.record({
    call: fc.constant('prune'),
    ...change,
    statuses: seldom(2, fc.subarray(['completed', 'failed', 'cancelled', 'quarantined'], { minLength: 1 })),
    older_than_days: fc.constantFrom(1, 1, 30),
  }),
  sweep: fc.record({
    call: fc.constant('sweep'),
    ...change,
    limits: fc.oneof(
      fc.record({ age_seconds: age }),
      fc.record({ runtime_seconds: age }),
      fc.record({ age_seconds: age, runtime_seconds: age }),
    ),
    action: fc.constantFrom('cancel', 'fail'),
  }),
  requeue: fc.record({
    call: fc.constant('requeue'),
    ...change,
    domain: fc.constantFrom('shop', 'shop', 'shop', 'bank'),
    pick: seldom(4, pick),
  }),
  integrity: fc.record({ call: fc.constant('integrity'), ...change }),
  /** All that only reads. */
  look: fc.record({ call: fc.constant('look'), scope }),
  advance: fc.record({ call: fc.constant('advance'), minutes: fc.constantFrom(1, 1, 10, 61, 1500, 1500, 60_000) }),
}

/** What a worker, a caller or an operator does, or that time goes by. */
const command = fc.oneof(
  { weight: 7, arbitrary: calls.enqueue },
  { weight: 11, arbitrary: calls.acquire },
  { weight: 1, arbitrary: calls.race },
  { weight: 2, arbitrary: calls.renew },
  { weight: 11, arbitrary: calls.finish },
  { weight: 3, arbitrary: calls.cancel },
  { weight: 1, arbitrary: calls.control },
  { weight: 2, arbitrary: calls.threshold },
  { weight: 1, arbitrary: calls.prune },
  { weight: 2, arbitrary: calls.sweep },
  { weight: 2, arbitrary: calls.requeue },
  { weight: 1, arbitrary: calls.integrity },
  { weight: 1, arbitrary: calls.look },
  { weight: 5, arbitrary: calls.advance },
)
export type Command = Value<typeof command>
export type CommandOf<Call extends Command['call']> = Extract<Command, { call: Call }>

/** A story of a few dozen steps. */
export const story = fc.array(command, { maxLength: 60, size: 'max' })

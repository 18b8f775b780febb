/** A queue of the campaign. */
interface Queue {
  domain: string
  queue: string
}

/** The operator prunes jobs of this domain, after it has moved their end into the past. */
export const prunedDomain = 'old'
/** The SQL worker takes jobs of this domain too. */
export const sharedDomain = 'mixed'
/** The operator sweeps jobs of this domain that run too long. */
export const runtimeSweptDomain = 'media'
/** The operator sweeps jobs that wait too long in this queue. */
export const ageSweptQueue: Queue = { domain: 'reports', queue: 'slow' }
/** The operator pauses this queue for short times. */
export const pausedQueue: Queue = { domain: 'mail', queue: 'default' }

/** All queues of the campaign. */
export const queues: readonly Queue[] = [
  { domain: runtimeSweptDomain, queue: 'default' },
  { domain: runtimeSweptDomain, queue: 'fast' },
  pausedQueue,
  ageSweptQueue,
  { domain: prunedDomain, queue: 'default' },
  { domain: sharedDomain, queue: 'default' },
]

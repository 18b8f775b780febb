/** The queues of the soak. The operators pause the last one for short times. */
export const queues = [
  { domain: 'media', queue: 'default' },
  { domain: 'mail', queue: 'default' },
  { domain: 'mail', queue: 'slow' },
] as const

/** A queue that operators pause. */
export const pausedQueue = queues[2]

/** A queue of the run, and what is special about it. */
export interface Lane {
  domain: string
  queue: string
}

/** Finished jobs of this domain are made old, and pruned. */
export const pruned = 'old'
/** Another program's workers take jobs of this domain, too. */
export const mixed = 'mixed'
/** The sweep ends what runs too long here. */
export const timed = 'media'
/** The sweep ends what waits too long here. */
export const aging: Lane = { domain: 'reports', queue: 'slow' }
/** It is paused now and then. */
export const pausing: Lane = { domain: 'mail', queue: 'default' }

export const lanes: readonly Lane[] = [
  { domain: timed, queue: 'default' },
  { domain: timed, queue: 'fast' },
  pausing,
  aging,
  { domain: pruned, queue: 'default' },
  { domain: mixed, queue: 'default' },
]

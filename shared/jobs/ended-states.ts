/** The states in which a job waits for a worker or has one. */
export const unendedStates = ['queued', 'processing'] as const

/**
 * The states in which a job has ended: no worker takes it, unless somebody runs it again. The command line and `jobsctl/client`, which knows no
 * schemas, wait for them.
 */
export const endedStates = ['completed', 'failed', 'cancelled', 'quarantined'] as const

/** Whether a job has ended, by its status. */
export const hasEnded = (status: string | null | undefined): boolean => endedStates.some((state) => state === status)

/** How many running jobs, and how many that have ended, are read at most, and the most workers of an answer. */
export const mostOfWorkers = { jobs: 50_000, workers: 1000 } as const

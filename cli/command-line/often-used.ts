/** The commands that people and scripts run most: they read one answer and end. Their file is small, since V8 reads it at each start. */
export const oftenUsed = ['stats', 'list', 'show', 'explain', 'workers', 'queues', 'stale', 'history'] as const

/** Whether the first word of a command line is one of these commands. */
export const isOftenUsed = (word: string | undefined): boolean => oftenUsed.some((name) => name === word)

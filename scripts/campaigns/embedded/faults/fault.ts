import * as z from 'zod'

/** What happens in the thread of the embedded database, as a file says that the campaign writes. */
export const Fault = z.object({
  kind: z.enum([
    /** The thread ends. */
    'die',
    /** It runs for ever. */
    'spin',
    /** It waits for what never comes, and can be ended. */
    'wait',
    /** It waits for so many milliseconds as `ms` says. */
    'pause',
    /** It waits for its disk, and cannot be ended. */
    'stuck',
    /** The system refuses each change of a file. */
    'ENOSPC',
    'EROFS',
    /** The system gives the database no more memory. */
    'no memory',
    /** The power is cut, and the disk forgets what it was not asked to keep. */
    'power cut',
  ]),
  /** Before an operation on a file, or when an answer is ready: its transaction is over then. */
  at: z.enum(['file', 'answer']).default('file'),
  /** The number of operations on files after which it happens. */
  after: z.number().default(0),
  ms: z.number().default(0),
  /** It happens once, and never again. */
  once: z.boolean().default(false),
  /** The chance with which the disk forgets a write at a power cut. */
  chance: z.number().default(1),
  seed: z.number().default(0),
})
export type Fault = z.output<typeof Fault>

import * as z from 'zod'

/** A queue whose engine deletes ended jobs by itself, by the options of some of its jobs: those in these states. */
export const VanishingQueue = z.object({
  domain: z.string(),
  queue: z.string(),
  states: z.array(z.enum(['completed', 'failed'])),
})
export type VanishingQueue = z.output<typeof VanishingQueue>

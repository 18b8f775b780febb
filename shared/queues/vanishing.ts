import * as z from 'zod'
import { queueNames } from '../scope.ts'

/** A queue whose engine deletes ended jobs by itself, by the options of some of its jobs: those in these states. */
export const VanishingQueue = z.object({
  ...queueNames,
  states: z.array(z.enum(['completed', 'failed'])).describe('The states in which the engine deletes jobs.'),
})
export type VanishingQueue = z.output<typeof VanishingQueue>

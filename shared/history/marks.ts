import * as z from 'zod'

/** What an operator said about a moment, such as a deployment. */
export const Mark = z.object({
  id: z.number(),
  text: z.string(),
  at: z.string(),
  caller: z.string(),
})
export type Mark = z.output<typeof Mark>

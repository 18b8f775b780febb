import type * as z from 'zod'
import type { Verdict } from '../verdict.ts'
import { closeStage } from './closing.ts'
import { onStage, type Stage, type StageOptions } from './stage.ts'

/** Actors that share a stage, and the promises that must hold whatever they do to it. */
interface Acting<Flags extends z.ZodObject> {
  flags: Flags
  stage: StageOptions
  /** Lets them act until they are done, and says what came of their promises. The servers still run then. */
  act: (flags: z.output<Flags>, stage: Stage) => Promise<Verdict[]>
}

/** Describes a group of actors. `play` opens a stage for them, and says of their promises and of those of every stage what came of them. */
export const defineGroup = <Flags extends z.ZodObject>({ flags, stage: options, act }: Acting<Flags>) => ({
  flags,
  play: (values: z.output<Flags>, given: Pick<Stage, 'folder' | 'log'>): Promise<Verdict[]> =>
    onStage(options, given, async (stage) => [...(await act(values, stage)), ...(await closeStage(stage))]),
})

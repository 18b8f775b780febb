import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { defineCampaign } from '../campaign.ts'
import { stress as stressActors } from '../stress/stress.ts'
import { trust as trustActors } from '../trust/trust.ts'
import { printVerdicts } from '../verdict.ts'
import { everyday } from './everyday.ts'

const groups = { everyday, stress: stressActors, trust: trustActors }

/** Two servers and those who use them, and who kill what they work with. Each group of actors has a stage of its own, and all have one report. */
export const soak = defineCampaign({
  about: 'everything at work together for an hour, with kills, and whether anything is lost, leaks or grows',
  flags: z.object({
    actors: z
      .array(z.enum(['everyday', 'stress', 'trust']))
      .default(['everyday'])
      .describe('who acts: everyday, stress or trust; may be given more than once'),
    ...{ ...everyday.flags.shape, ...stressActors.flags.shape, ...trustActors.flags.shape },
  }),
  async run({ actors, ...flags }, { folder, log }) {
    const verdicts = []
    for (const name of actors) {
      const own = join(folder, name)
      await mkdir(own)
      const came = await groups[name].play(flags, { folder: own, log })
      verdicts.push(
        ...came.map((verdict) => ({
          ...verdict,
          claim: actors.length === 1 ? verdict.claim : `${name}: ${verdict.claim}`,
        })),
      )
    }
    return printVerdicts(verdicts)
  },
})

/** The soak with the actors of stress alone. */
export const stress = defineCampaign({
  about: 'jobs through two servers and eight workers that are killed, hang up and repeat themselves',
  flags: stressActors.flags,
  run: async (flags, run) => printVerdicts(await stressActors.play(flags, run)),
})

/** The soak with the actors of trust alone. */
export const trust = defineCampaign({
  about: 'servers, clients and PostgreSQL killed in the middle of changes, and every row counted afterwards',
  flags: trustActors.flags,
  run: async (flags, run) => printVerdicts(await trustActors.play(flags, run)),
})

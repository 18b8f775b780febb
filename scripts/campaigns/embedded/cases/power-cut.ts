import { rm } from 'node:fs/promises'
import { type Case, promises } from '../case.ts'
import { compare, expectEnd, loaded } from '../checks.ts'
import { limits } from '../limits.ts'
import { Load } from '../load.ts'
import type { Round } from '../round.ts'

/** `most` is the largest number of operations on files after which the power is cut. */
async function cut(round: Round, most: number): Promise<string> {
  const { random } = round
  const load = new Load({ random, answerMs: limits.answer })
  await round.inject({
    kind: 'power cut',
    after: random.whole(500, most),
    chance: random.pick([0.1, 0.5, 0.9, 1]),
    seed: random.whole(0, 1_000_000),
  })
  const server = round.start()
  await Promise.race([loaded(server, load), server.ended])
  await expectEnd(round, server, { limitMs: limits.giveUp, allowed: ['SIGKILL'] })
  await round.heal()
  await compare(round, load)
  return load.confirmed > 0 ? 'opened again' : 'opened again; nothing was confirmed before'
}

export const powerCut: Case = {
  name: 'power cut',
  promised: promises('A power cut loses nothing that was confirmed, since each commit waits for the disk.'),
  ways: [
    { name: 'under load', run: (round) => cut(round, 8000) },
    {
      name: 'while the database is made',
      run: async (round) => {
        await rm(round.folder, { recursive: true })
        return cut(round, 12_000)
      },
    },
  ],
}

import type { Case } from '../case.ts'
import { diskFull } from './disk-full.ts'
import { anotherUser } from './other-user.ts'
import { outOfMemory } from './out-of-memory.ts'
import { powerCut } from './power-cut.ts'
import { readOnly } from './read-only.ts'
import { threadDies, threadHangs } from './thread.ts'

/** All kinds of trouble of the embedded database. */
export const cases: readonly Case[] = [
  ...[powerCut, diskFull, readOnly, anotherUser],
  ...[threadDies, threadHangs, outOfMemory],
]

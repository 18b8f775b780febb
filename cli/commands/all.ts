import type { CommandSpec } from '../command.ts'
import { config } from './config.ts'
import { doctor } from './doctor.ts'
import { help } from './help.ts'
import { integrity } from './integrity.ts'
import { prune } from './prune.ts'
import { requeue } from './requeue.ts'
import { stats } from './stats.ts'
import { sweep } from './sweep.ts'

/** The command line's table of contents, in the order of its help. */
export const commands: readonly CommandSpec[] = [stats, prune, sweep, requeue, integrity, doctor, config, help]

import { parseArgs } from 'node:util'
import { openJournal } from '../journal.ts'
import { createRandom } from '../random.ts'
import { type Behaviour, behaviours } from './behaviours.ts'

/** Reads the flags of a worker process, and follows its parent: `calm` ends its faults, SIGTERM its work; without its parent it exits. */
export function startWorkerProcess() {
  const { values } = parseArgs({
    options: {
      name: { type: 'string', default: '' },
      worker: { type: 'string', default: '' },
      seed: { type: 'string', default: '' },
      journals: { type: 'string', default: '' },
      servers: { type: 'string', default: '' },
    },
  })
  const { name, worker, seed, journals, servers } = values
  let behaviour: Behaviour = behaviours.faulty
  const stopping = new AbortController()
  process.on('message', (command) => {
    if (command === 'calm') behaviour = behaviours.steady
  })
  process.on('SIGTERM', () => stopping.abort())
  process.on('disconnect', () => process.exit())
  return {
    name,
    worker,
    servers: servers.split(','),
    random: createRandom(Number(seed), name),
    journal: openJournal(journals, name),
    behaviour: () => behaviour,
    /** Aborted when the parent ends the work. */
    stopping: stopping.signal,
  }
}

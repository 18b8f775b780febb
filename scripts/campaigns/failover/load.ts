import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { createCaller } from '../stress/actors/caller.ts'
import { enqueueAll } from '../stress/actors/enqueuer.ts'
import { followByCursor, followByStream, type Reader } from '../stress/actors/readers.ts'
import { startFaultyWorkers } from '../stress/actors/workers.ts'
import { drain, lastEvent } from '../stress/drain.ts'
import { openJournal } from '../stress/journal.ts'
import { createRandom } from '../stress/random.ts'
import { within } from '../within.ts'
import { probe } from './probes.ts'

/** Everybody who works while a primary is lost. */
export interface Load {
  readers: readonly Reader[]
  /** Lets no new job in, waits until all have ended, and stops everybody but the readers. */
  stop: (sql: Sql) => Promise<Ended>
  /** Waits until the readers have all events, and stops them. Resolves to the id of the last event that they must have. */
  stopReaders: (sql: Sql) => Promise<number>
}

export interface Ended {
  /** The number of each job that was made. */
  numbers: number[]
  /** Faults of workers. */
  faults: string[]
}

interface Options {
  servers: readonly string[]
  folder: string
  seed: number
}

const workerCount = 3
/** Between two batches of one of the four hands of the enqueuer, in milliseconds. */
const pauseMs = 1000
const catchUpMs = 60_000
/** Numbers of the probes' jobs, by server. */
const firstProbe = [1_000_000, 2_000_000]

/** Starts workers, an enqueuer, a probe for each server, a reader by cursor and a reader of the stream. */
export async function startLoad({ servers, folder, seed }: Options): Promise<Load> {
  const actor = (name: string) => ({ journal: openJournal(folder, name), random: createRandom(seed, name) })
  const calling = (name: string) => {
    const { journal, random } = actor(name)
    return { journal, random, caller: createCaller({ name, servers, journal, random }) }
  }
  const readers = [
    followByCursor(calling('reader').caller),
    followByStream({ servers, random: createRandom(seed, 'stream') }),
  ]
  const workers = await startFaultyWorkers({ count: workerCount, seed, journals: folder, servers })
  const ending = new AbortController()
  const { signal } = ending
  const enqueued = enqueueAll({
    ...calling('enqueuer'),
    ...{ jobs: Number.POSITIVE_INFINITY, signal, room: () => wait(pauseMs) },
  })
  const probed = Promise.all(
    servers.map((server, at) => {
      const first = firstProbe[at] ?? 0
      return probe({ server, first, signal, ...actor(`probe-${first}`) })
    }),
  )
  return {
    readers,
    async stop(sql) {
      ending.abort()
      const made = await enqueued
      const numbers = [...Array.from({ length: made }, (_, n) => n), ...(await probed).flat()]
      workers.tell('calm')
      await drain(sql)
      await workers.stop()
      return { numbers, faults: workers.faults }
    },
    async stopReaders(sql) {
      // The server writes events by itself, such as of a seal, also after the readers have stopped.
      const last = await lastEvent(sql)
      await within(catchUpMs, () => readers.every(({ ids }) => (ids.at(-1) ?? 0) >= last))
      await Promise.all(readers.map(({ stop }) => stop()))
      return last
    },
  }
}

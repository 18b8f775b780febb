import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type postgres from 'postgres'
import { describe, expect, inject, it } from 'vitest'
import { bundleDriver } from '../../scripts/build/driver/bundle-driver.ts'
import type { Patch } from '../../scripts/build/driver/patch.ts'
import { patches } from '../../scripts/build/driver/patch-driver.ts'
import { until } from '../support/poll.ts'
import { type ScriptedPostgres, scriptedPostgres } from './scripted-postgres.ts'

/** The options of the driver, with those that patches add. */
type Options = postgres.Options<Record<string, postgres.PostgresType>> & Record<string, unknown>

/** A server that says what the scenario wants, and the driver in front of it. */
export interface Scene {
  server: ScriptedPostgres
  /** A pool of one connection on the server, unless the options say more. */
  connect: (options?: Options) => postgres.Sql
  /** How a promise settles: its value, the code of its error, or `pending`. */
  outcome: (promise: Promise<unknown>) => Promise<unknown>
  /** Looks until it is true. */
  seen: (look: () => unknown) => Promise<unknown>
}

/** How long a scenario waits: with the patch for a slow machine, and without it for what does not come. */
const limitsMs = { with: 30_000, without: 400 }

/**
 * Shows what a patch of the driver is for: the scenario sees what is expected with all patches, and something else without this one.
 * When the scenario of a new version of the driver fails here, the patch can go.
 */
export function reproduces(
  patch: Patch,
  name: string,
  scenario: (scene: Scene) => Promise<unknown>,
  expected: unknown,
) {
  describe(`${patch.name}: ${name}`, () => {
    it('with the patch', async () => {
      expect(await seen(patches, limitsMs.with, scenario)).toEqual(expected)
    })

    it('not without it', async () => {
      const others = patches.filter((other) => other !== patch && other.needs !== patch)
      expect(await seen(others, limitsMs.without, scenario)).not.toEqual(expected)
    })
  })
}

async function seen(used: readonly Patch[], limitMs: number, scenario: (scene: Scene) => Promise<unknown>) {
  const [driver, server] = await Promise.all([bundled(used), scriptedPostgres()])
  const pools: postgres.Sql[] = []
  const unhandled: unknown[] = []
  const restore = whileUnhandled((error) => unhandled.push(error))
  try {
    const result = await scenario({
      server,
      connect: (options = {}) => {
        const all = { max: 1, fetch_types: false, backoff: () => 0.01, username: 'ann', onnotice: () => {}, ...options }
        const sql = driver({ host: '127.0.0.1', port: server.port, ...all })
        pools.push(sql)
        return sql
      },
      outcome: (promise) =>
        Promise.race([
          promise.then(valuesOf, (error) => `${error.code ?? error}${error.unsent ? ', unsent' : ''}`),
          wait(limitMs, 'pending', { ref: false }),
        ]),
      seen: (look) => until('the scenario sees it', look, limitMs),
    })
    // Rejections that nobody handles are known then.
    await new Promise(setImmediate)
    return unhandled.length > 0 ? { unhandled } : result
  } catch (error) {
    return { error }
  } finally {
    await Promise.all(pools.map((sql) => sql.end({ timeout: 0 }).catch(() => {})))
    await server.stop()
    restore()
  }
}

/** The rows of a statement as the texts in them. */
const valuesOf = (value: unknown): unknown =>
  Array.isArray(value) ? Array.from(value, (row) => row?.value ?? row) : value

/** Without a patch the driver may end the process. The runner of the tests must not hear of it. */
function whileUnhandled(heard: (error: unknown) => void): () => void {
  const { emit } = process
  const listening = (event: string, ...args: unknown[]) => {
    if (event !== 'unhandledRejection' && event !== 'uncaughtException')
      return Reflect.apply(emit, process, [event, ...args])
    heard(args[0])
    return true
  }
  Object.assign(process, { emit: listening })
  return () => void Object.assign(process, { emit })
}

const bundles = new Map<string, Promise<typeof postgres>>()
function bundled(used: readonly Patch[]): Promise<typeof postgres> {
  const names = used.map(({ name }) => name).join()
  const bundle = bundles.get(names) ?? inNewFolder(used)
  bundles.set(names, bundle)
  return bundle
}

/** Each bundle has a folder of its own. */
const inNewFolder = async (used: readonly Patch[]): Promise<typeof postgres> =>
  bundleDriver(await mkdtemp(join(inject('runFolder'), 'driver-')), used)

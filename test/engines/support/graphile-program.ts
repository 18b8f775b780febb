import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'

/**
 * A program around graphile-worker, which Node 24 runs as it stands. It reads commands from stdin and writes an answer for each to stdout, as
 * lines of JSON. It ends with its stdin.
 */
const Command = z.discriminatedUnion('do', [
  z.object({ id: z.number(), do: z.literal('start'), library: z.string(), url: z.string(), schema: z.string() }),
  z.object({
    id: z.number(),
    do: z.literal('add'),
    jobs: z.array(z.object({ payload: z.unknown(), spec: z.looseObject({ runAt: z.coerce.date().optional() }) })),
  }),
  z.object({ id: z.number(), do: z.literal('work'), concurrency: z.number() }),
  z.object({ id: z.number(), do: z.literal('runs') }),
  z.object({ id: z.number(), do: z.literal('release') }),
])
type Command = z.infer<typeof Command>

interface Utils {
  migrate: () => Promise<void>
  addJob: (task: string, payload: unknown, spec: object) => Promise<{ id: unknown }>
}
interface Library {
  makeWorkerUtils: (options: object) => Promise<Utils>
  run: (options: object) => Promise<{ promise: Promise<void> }>
  Logger: new (factory: () => () => void) => unknown
}

/** What a job says that its task does. */
const Payload = z
  .object({
    does: z.enum(['end', 'end slowly', 'fail', 'fail once', 'hold', 'call']).default('end'),
    url: z.string().default(''),
  })
  .catch({ does: 'end', url: '' })

/** How often each job has begun, by its id. */
const runs: Record<string, number> = {}
const gate = new EventEmitter().setMaxListeners(0)
let started: { library: Library; utils: Utils; options: object } | undefined

/** The task `work`, of which all jobs are. */
async function work(payload: unknown, { job }: { job: { id: unknown } }): Promise<void> {
  const id = String(job.id)
  const begun = (runs[id] ?? 0) + 1
  runs[id] = begun
  const { does, url } = Payload.parse(payload)
  if (does === 'fail' || (does === 'fail once' && begun === 1)) throw new Error(`no answer from ${id}`)
  if (does === 'hold') await once(gate, 'release')
  if (does === 'end slowly') await setTimeout(20)
  if (does === 'call') await (await fetch(url)).text()
}

async function perform(command: Command): Promise<unknown> {
  if (command.do === 'start') {
    const library: Library = await import(pathToFileURL(command.library).href)
    const { url: connectionString, schema } = command
    const options = { connectionString, schema, logger: new library.Logger(() => () => {}) }
    const utils = await library.makeWorkerUtils(options)
    await utils.migrate()
    started = { library, utils, options }
    return null
  }
  if (!started) throw new Error('graphile-worker is not started')
  const { library, utils, options } = started
  switch (command.do) {
    case 'add': {
      const added = command.jobs.map(({ payload, spec }) => utils.addJob('work', payload, spec))
      return (await Promise.all(added)).map(({ id }) => String(id))
    }
    case 'work': {
      const pool = { concurrency: command.concurrency, pollInterval: 100, noHandleSignals: true, taskList: { work } }
      const { promise } = await library.run({ ...options, ...pool })
      // As its documentation asks. A job that cannot be completed ends the process all the same.
      promise.catch(() => {})
      return null
    }
    case 'runs':
      return runs
    case 'release':
      return gate.emit('release')
  }
}

for await (const line of createInterface(process.stdin)) {
  const command = Command.parse(JSON.parse(line))
  void perform(command)
    .then(
      (value) => ({ value }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    .then((answer) => process.stdout.write(`${JSON.stringify({ id: command.id, ...answer })}\n`))
}
process.exit()

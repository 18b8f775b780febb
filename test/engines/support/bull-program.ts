import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'

/**
 * A program around BullMQ on PostgreSQL, which Node 24 runs as it stands. It reads commands from stdin and writes an answer for each to stdout, as
 * lines of JSON. It ends with its stdin.
 */
const Command = z.discriminatedUnion('do', [
  z.object({ id: z.number(), do: z.literal('start'), library: z.string(), url: z.string(), schema: z.string() }),
  z.object({
    id: z.number(),
    do: z.literal('add'),
    queue: z.string(),
    jobs: z.array(z.record(z.string(), z.unknown())),
  }),
  z.object({ id: z.number(), do: z.literal('flow'), flow: z.record(z.string(), z.unknown()) }),
  z.object({
    id: z.number(),
    do: z.literal('call'),
    queue: z.string(),
    method: z.string(),
    args: z.array(z.unknown()),
  }),
  z.object({ id: z.number(), do: z.literal('work'), queue: z.string(), options: z.record(z.string(), z.unknown()) }),
  z.object({ id: z.number(), do: z.literal('runs') }),
  z.object({ id: z.number(), do: z.literal('release') }),
])
type Command = z.infer<typeof Command>

interface Job {
  id: string
  queueName: string
  data: unknown
  log: (line: string) => Promise<unknown>
}

type Method = (...args: unknown[]) => unknown
interface Queue {
  waitUntilReady: () => Promise<unknown>
  addBulk: (jobs: object[]) => Promise<{ id?: string }[]>
}
interface Library {
  Queue: new (name: string, options: object) => Queue
  Worker: new (
    name: string,
    run: (job: Job) => Promise<unknown>,
    options: object,
  ) => { waitUntilReady: () => Promise<unknown>; on: Method }
  FlowProducer: new (options: object) => { add: (flow: object) => Promise<unknown> }
  createPostgresBackend: unknown
  setDefaultBackendFactory: (factory: unknown) => void
}

/** What a job says that its handler does. */
const Data = z
  .object({
    does: z.enum(['end', 'end slowly', 'fail', 'fail once', 'hold']).optional(),
    message: z.string().optional(),
  })
  .catch({})

/** How often each job has begun and has ended, by its queue and its id. */
const runs: Record<string, { begun: number; ended: number; at: number }> = {}
const gate = new EventEmitter().setMaxListeners(0)
const queues = new Map<string, Queue>()
let library: Library | undefined
let connection: object = {}

async function run(job: Job): Promise<unknown> {
  const key = `${job.queueName}/${job.id}`
  const counted = runs[key] ?? { begun: 0, ended: 0, at: 0 }
  runs[key] = counted
  counted.begun += 1
  counted.at = Date.now()
  const { does = 'end', message = 'failed as it was told' } = Data.parse(job.data)
  if (does === 'fail' || (does === 'fail once' && counted.begun === 1)) {
    await job.log('about to fail')
    throw new Error(message)
  }
  if (does === 'hold') await once(gate, 'release')
  if (does === 'end slowly') await setTimeout(20)
  counted.ended += 1
  return { runs: counted.begun }
}

function loaded(): Library {
  if (!library) throw new Error('BullMQ is not started')
  return library
}

async function queueOf(name: string): Promise<Queue> {
  const queue = queues.get(name) ?? new (loaded().Queue)(name, { connection })
  queues.set(name, queue)
  await queue.waitUntilReady()
  return queue
}

async function perform(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'start': {
      const module: { default?: Library } & Library = await import(pathToFileURL(command.library).href)
      library = module.default ?? module
      library.setDefaultBackendFactory(library.createPostgresBackend)
      connection = { connectionString: command.url, schema: command.schema, migrate: true }
      await queueOf('started')
      return process.pid
    }
    case 'add':
      return (await (await queueOf(command.queue)).addBulk(command.jobs)).map(({ id }) => id)
    case 'flow':
      await new (loaded().FlowProducer)({ connection }).add(command.flow)
      return null
    case 'call': {
      const queue = await queueOf(command.queue)
      const method: Method | undefined = Reflect.get(queue, command.method)
      if (!method) throw new Error(`this BullMQ has no ${command.method}`)
      return method.apply(queue, command.args)
    }
    case 'work': {
      const worker = new (loaded().Worker)(command.queue, run, { connection, ...command.options })
      worker.on('error', () => {})
      await worker.waitUntilReady()
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
      (value) => ({ value: value === undefined ? null : value }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    .then((answer) => {
      const seen = new WeakSet()
      // Jobs that BullMQ returns refer to their queue, which refers to itself.
      const text = JSON.stringify({ id: command.id, ...answer }, (_, value) => {
        if (typeof value !== 'object' || value === null) return value
        if (seen.has(value)) return undefined
        seen.add(value)
        return value
      })
      process.stdout.write(`${text}\n`)
    })
}
process.exit()

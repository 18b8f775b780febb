import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'

/**
 * A program around one instance of pg-boss, which Node 24 runs as it stands. It reads commands from stdin and writes an answer for each
 * to stdout, as lines of JSON. It ends with its stdin.
 */
const Command = z.discriminatedUnion('do', [
  z.object({ id: z.number(), do: z.literal('start'), library: z.string(), options: z.record(z.string(), z.unknown()) }),
  z.object({ id: z.number(), do: z.literal('call'), method: z.string(), args: z.array(z.unknown()) }),
  z.object({ id: z.number(), do: z.literal('work'), queue: z.string(), options: z.record(z.string(), z.unknown()) }),
  z.object({ id: z.number(), do: z.literal('runs') }),
  z.object({ id: z.number(), do: z.literal('release') }),
  z.object({ id: z.number(), do: z.literal('faults') }),
])
type Command = z.infer<typeof Command>

/** What a job says that its handler does; by default it returns how often the job has run. */
const Data = z
  .object({
    does: z.enum(['end', 'end slowly', 'fail', 'fail once', 'hold', 'hold without signal', 'call']).optional(),
    url: z.string().optional(),
    message: z.string().optional(),
  })
  .catch({})

interface Job {
  id: string
  data: unknown
  /** Since pg-boss 11. */
  signal?: AbortSignal
}

/** A method by its name: the tests call what each version has. */
type Method = (...args: unknown[]) => unknown

interface Boss extends EventEmitter {
  start: () => Promise<unknown>
  work: (queue: string, options: object, handler: (jobs: Job[]) => Promise<unknown>) => Promise<string>
}
type BossClass = new (options: object) => Boss

/** How often each job has begun, has ended and has been told to abort. */
const runs: Record<string, { begun: number; ended: number; aborted: number }> = {}
const faults: string[] = []
const gate = new EventEmitter().setMaxListeners(0)
let boss: Boss | undefined

async function run(job: Job): Promise<unknown> {
  const run = runs[job.id] ?? { begun: 0, ended: 0, aborted: 0 }
  runs[job.id] = run
  run.begun += 1
  const { does = 'end', message = 'failed as it was told', url = '' } = Data.parse(job.data)
  if (does === 'fail' || (does === 'fail once' && run.begun === 1)) throw new Error(message)
  if (does === 'end slowly') await setTimeout(20)
  if (does === 'call') await (await fetch(url)).text()
  if (does.startsWith('hold')) {
    const signal = does === 'hold' ? job.signal : undefined
    await once(gate, 'release', { ...(signal && { signal }) }).catch(() => {
      run.aborted += 1
      throw new Error('told to abort')
    })
  }
  run.ended += 1
  return { runs: run.begun }
}

/** Does a batch at once. One that fails takes the whole batch with it, as pg-boss has it. */
const handle = async (jobs: Job[]): Promise<unknown> => (await Promise.all(jobs.map(run)))[0]

async function perform(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'start': {
      // pg-boss 10 exports the class itself, and later versions export it by its name.
      const module: { PgBoss?: BossClass; default?: BossClass } = await import(pathToFileURL(command.library).href)
      const Class = module.PgBoss ?? module.default
      if (!Class) throw new Error(`${command.library} exports no PgBoss`)
      boss = new Class(command.options)
      boss.on('error', (error: unknown) => faults.push(error instanceof Error ? error.message : String(error)))
      await boss.start()
      return process.pid
    }
    case 'call': {
      const method: Method | undefined = boss && Reflect.get(boss, command.method)
      if (!boss || !method) throw new Error(`this pg-boss has no ${command.method}`)
      return method.apply(boss, command.args)
    }
    case 'work':
      return boss?.work(command.queue, { pollingIntervalSeconds: 0.5, ...command.options }, handle)
    case 'runs':
      return runs
    case 'release':
      return gate.emit('release')
    case 'faults':
      return faults
  }
}

for await (const line of createInterface(process.stdin)) {
  const command = Command.parse(JSON.parse(line))
  // A command may wait for another one, as the end of pg-boss waits for a handler.
  void perform(command)
    .then(
      (value) => ({ value: value ?? null }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    .then((answer) => process.stdout.write(`${JSON.stringify({ id: command.id, ...answer })}\n`))
}
process.exit()

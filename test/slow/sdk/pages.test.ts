import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '../../../sdk/client.ts'
import { newFolder } from '../../support/database/database.ts'
import { blocksOf } from '../../support/docs.ts'
import { until } from '../../support/poll.ts'
import { startChild } from '../../support/programs/child.ts'
import { openWorld, type World } from '../../support/world.ts'

const programs = ['README', 'packages', 'enqueue-in-transaction', 'test-workers', 'recipes']
  .map((name) => `docs/workers/${name}.md`)
  .flatMap(blocksOf)
  .filter(({ text }) => text.includes("from 'jobsctl/"))

/** A program of a page is in a project that has installed the package, and ends on SIGTERM if it does not end by itself. */
describe('programs of the pages', () => {
  let world: World
  let folder: string
  beforeAll(async () => {
    world = await openWorld('postgres')
    folder = await newFolder('project')
    const modules = join(folder, 'node_modules')
    await mkdir(modules)
    await symlink(resolve('.'), join(modules, 'jobsctl'))
    for (const name of ['zod', 'tsx', 'postgres', '@opentelemetry'])
      await symlink(resolve('node_modules', name), join(modules, name))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  })
  afterAll(() => world?.stop())

  async function start(name: string, text: string, more: Record<string, string> = {}) {
    const file = join(folder, name)
    await writeFile(file, text)
    const loader = name.endsWith('.ts') ? ['--import', resolve('node_modules/tsx/dist/loader.mjs')] : []
    const child = startChild([...loader, file], {
      env: { BASE: world.url, API_KEY: world.key, DATABASE_URL: world.env.JOBS_DB_URL ?? '', ...more },
    })
    onTestFinished(() => void child.process.kill('SIGKILL'))
    return child
  }

  /** A program that also enqueues ends by itself. */
  const isWorker = ({ text }: { text: string }) => text.includes('runWorker') && !text.includes('createClient')
  const workers = programs.filter(isWorker)
  it.each(workers)('a worker of $page, in $language', async ({ language, text }) => {
    const [, domain = '', type = ''] = /domain: '(\w+)'[\s\S]*?handlers: \{\s*(\w+):/.exec(text) ?? []
    const client = createClient({ url: world.url, apiKey: world.key })
    const { id } = await client.enqueue({ domain, job_type: type, payload: { page: 7 } })
    const child = await start(`worker.${language}`, text)
    const done = await until('the job is done or the worker has ended', async () => {
      const { status, result } = await client.showJob({ id })
      const over = child.process.exitCode === null ? undefined : { result: child.output.err }
      return status === 'completed' ? { result } : over
    })
    expect(done.result).toEqual(type === 'export' ? { echo: { page: 7 } } : { printed: 7 })
    child.process.kill('SIGTERM')
    expect(await child.ended).toMatchObject({ code: 0, err: '' })
  })

  it('a worker has ten lines', () => {
    const [first] = workers
    expect(workers).toHaveLength(4)
    for (const { language, text } of workers)
      if (language === 'js' && !text.includes('around')) expect(text.trim().split('\n').length).toBeLessThanOrEqual(11)
    expect(first?.page).toBe('docs/workers/README.md')
  })

  it('the worker of traces makes a span below that of the enqueue, where that is sampled', async () => {
    const [program] = workers.filter(({ text }) => text.includes('around'))
    const sdk = new URL('../../support/programs/span-printer.mjs', import.meta.url).href
    const child = await start('traced.js', program?.text ?? '', { NODE_OPTIONS: `--import=${sdk}` })
    const ids = ['00', '01'].map(async (flags, at) => {
      const traceparent = `00-0af7651916cd43dd8448eb211c80319${at}-b7ad6b7169203331-${flags}`
      const fetch: typeof globalThis.fetch = (to, init) =>
        globalThis.fetch(to, { ...init, headers: { ...Object(init?.headers), traceparent } })
      const client = createClient({ url: world.url, apiKey: world.key, fetch })
      return (await client.enqueue({ domain: 'letters', job_type: 'print', payload: { page: at } })).id
    })
    const client = createClient({ url: world.url, apiKey: world.key })
    for (const id of await Promise.all(ids)) expect(await client.waitFor(id)).toMatchObject({ status: 'completed' })
    const spans = () => child.output.err.split('\n').filter((line) => line.startsWith('{"span"'))
    await until('the span is printed', () => spans().length > 0)
    child.process.kill('SIGTERM')
    await child.ended
    expect(spans().map((line) => JSON.parse(line).span)).toMatchObject([
      { name: 'print', parent: 'b7ad6b7169203331', traceId: '0af7651916cd43dd8448eb211c803191' },
    ])
  })

  const others = programs.filter((program) => !isWorker(program))
  it.each(others)('a program of $page that calls', async ({ language, text }) => {
    const child = await start(`program.${language}`, text)
    expect(await child.ended).toMatchObject({ code: 0, err: '', out: expect.stringContaining('true') })
  })
})

import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newFolder } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { runServer, spawnServer } from '../../support/programs/spawn-server.ts'

/** A code of the system without words, or the name of a system call, as Node writes them. */
const raw = /E[A-Z]{4,}: |, (open|read|scandir|mkdir|stat)\b|\bconnect E[A-Z]+/

const away = { JOBS_DB_URL: 'postgres://127.0.0.1:1/none' }

it.each([
  ['a file', async (folder: string) => writeFile(folder, ''), 'file already exists (EEXIST)'],
  [
    'a link to itself',
    async (folder: string) => symlink(folder, folder),
    'too many symbolic links encountered (ELOOP)',
  ],
])('a data folder that is %s is refused in plain words', async (_, make, words) => {
  const folder = join(await newFolder('parent'), 'data')
  await make(folder)
  const { code, err } = await runServer([], { JOBS_DATA_DIR: folder })
  expect(code).toBe(2)
  expect(err).toContain(`JOBS_DATA_DIR: ${folder} cannot be the data folder: ${words}\n  hint: `)
  expect(err).not.toMatch(raw)
})

it('a key that cannot be read is reported in plain words, with its file and what to do', async () => {
  const folder = await newFolder('data')
  await mkdir(join(folder, 'api-key'))
  const { code, err } = await runServer([], { ...away, JOBS_DATA_DIR: folder })
  expect(code).toBe(2)
  expect(err).toBe(
    `error: the API key cannot be read from ${folder}/api-key: illegal operation on a directory (EISDIR)\n  hint: set JOBS_DATA_DIR to another folder, or SINGLE_USER_API_KEY\n`,
  )
})

it('an embedded database whose folder is a file is reported in plain words', async () => {
  const folder = await newFolder('data')
  await writeFile(join(folder, 'database'), '')
  const { code, err } = await runServer([], { JOBS_DATA_DIR: folder, SINGLE_USER_API_KEY: 'k', PORT: '0' })
  expect(code).toBe(7)
  expect(err).toContain(`the embedded database does not open: not a directory (ENOTDIR): ${folder}/database`)
  expect(err).not.toMatch(raw)
})

it.each([
  ['postgres://127.0.0.1:1/none', /connection refused \(ECONNREFUSED\): 127\.0\.0\.1:1/],
  ['postgres://nowhere.invalid/none', /[a-z] \((ENOTFOUND|EAI_AGAIN)\): nowhere\.invalid/],
])('the log says in plain words why %s cannot be reached', async (url, words) => {
  const env = { JOBS_DB_URL: url, JOBS_DATA_DIR: await newFolder('data'), SINGLE_USER_API_KEY: 'k' }
  const server = await spawnServer(env)
  await until('the server says so', () => words.test(server.output.out) || raw.test(server.output.out))
  expect(server.output.out).not.toMatch(raw)
  await server.kill()
})

it('an address that is not of this machine is refused in plain words', async () => {
  const env = {
    ...away,
    JOBS_DATA_DIR: await newFolder('data'),
    SINGLE_USER_API_KEY: 'long-enough-for-others',
    HOST: '192.0.2.1',
  }
  expect(await runServer([], env)).toMatchObject({
    code: 2,
    err: expect.stringContaining('cannot listen on 192.0.2.1:8787: address not available (EADDRNOTAVAIL)'),
  })
})

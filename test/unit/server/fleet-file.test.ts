import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readFleetFile } from '../../../server/env/fleet-file.ts'
import { newFolder } from '../../support/database/database.ts'

const read = async (text: string) => {
  const path = join(await newFolder('fleet'), 'fleet.yaml')
  await writeFile(path, text)
  return readFleetFile(path)
}
const oneWith = (fields: object) =>
  JSON.stringify({ servers: [{ name: 'eu', url: 'https://jobs-eu.example', token_file: 'eu.token', ...fields }] })

it('a file of YAML or JSON names servers, and their token files from its folder on', async () => {
  const [eu, us] = await read(`servers:
  - name: eu
    url: https://jobs-eu.example/ops/
    token_file: eu.token
  - name: us
    url: http://127.0.0.1:8787
    token_file: /run/secrets/us
`)
  expect(eu).toEqual({
    name: 'eu',
    url: 'https://jobs-eu.example/ops',
    token_file: expect.stringMatching(/^\/.*\/eu\.token$/),
  })
  expect(us).toEqual({ name: 'us', url: 'http://127.0.0.1:8787', token_file: '/run/secrets/us' })
  expect(await read(oneWith({}))).toHaveLength(1)
  expect(await read('servers: []')).toEqual([])
})

it.each([
  ['https://ann:secret@jobs.example', 'must be the https URL'],
  ['https://jobs.example?token=secret', 'must be the https URL'],
  ['http://jobs.example', 'must be the https URL'],
  ['file:///etc/secret', 'must be the https URL'],
  ['javascript:secret()', 'must be the https URL'],
])('the URL %s is refused, and not repeated', async (url, why) => {
  const failure = await read(oneWith({ url })).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'usage', message: expect.stringContaining(`fleet.yaml:1:`) })
  expect(failure).toMatchObject({ message: expect.stringContaining(`servers.0.url ${why}`) })
  expect(String(failure)).not.toContain('secret')
})

it.each([
  ['servers:\n  - name: eu', /fleet\.yaml:2:5: servers\.0\.url is required/],
  ['servers:\n  - name: eu\n    token: abc', /servers\.0\.token is not a known field/],
  [
    `servers: [${['eu', 'eu'].map((name) => `{name: ${name}, url: "https://a.example", token_file: t}`).join(', ')}]`,
    /fleet\.yaml:1:\d+: servers\.1\.name is the name of another server, too/,
  ],
  [
    JSON.stringify({
      servers: Array.from({ length: 201 }, (_, at) => ({ name: `n${at}`, url: 'https://a.example', token_file: 't' })),
    }),
    /servers must be at most 200 servers/,
  ],
  ['jst_0123456789ab_secret', /fleet\.yaml:1:1: must be an object/],
  ['servers: *all', /is an alias, which a list of servers does not have/],
  [' '.repeat(300_000), /is larger than 256 KiB/],
])('a file that is of no use is refused: %.30s', async (text, why) => {
  await expect(read(text)).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(why) })
})

it('a file that is not there is refused', async () => {
  await expect(readFleetFile('/nowhere/fleet.yaml')).rejects.toMatchObject({
    code: 'usage',
    message:
      'JOBS_FLEET_FILE: /nowhere/fleet.yaml cannot be read: no such file or directory (ENOENT): /nowhere/fleet.yaml',
  })
})

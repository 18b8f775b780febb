import { readdirSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { until } from '../../../support/poll.ts'
import { enter, startAtTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

const payload = '{"url": "old", "big": 12345678901234567890, "token": "t0p", "list": [{"x": 1}, 2], "a.b": "dot"}'

describe('jobsctl edit with an id alone', () => {
  let world: World
  let folder: string
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    folder = await newFolder('editor')
  })

  const job = async (status = 'queued') => {
    const [id = 0] = await world.jobs(1, { status })
    await world.sql`update jobs set payload = ${payload}::text::jsonb`
    return String(id)
  }
  const stored = async () => (await world.sql<[{ text: string }]>`select payload::text as text from jobs`)[0].text

  /** A terminal with an editor that runs these lines of shell; \`$1\` is its file. */
  async function start(argv: string[], lines: string) {
    const editor = join(folder, 'the editor')
    await writeFile(editor, `#!/bin/sh\nstat -c %a "$1" > '${folder}/mode'\ncp "$1" '${folder}/shown'\n${lines}\n`)
    await chmod(editor, 0o755)
    const runtime = await newFolder('runtime')
    const terminal = await startAtTerminal(['edit', ...argv], {
      env: {
        ...{ JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key, CI: '' },
        ...{ XDG_RUNTIME_DIR: runtime, VISUAL: `'${editor}'`, EDITOR: 'false' },
      },
    })
    return { terminal, left: () => readdirSync(runtime) }
  }

  it('shows the job masked, and makes the difference of the two texts after a look at it', async () => {
    const id = await job()
    const { terminal, left } = await start(
      [id],
      `sed -i -e 's/"old"/"new"/' -e 's/"dot"/"."/' -e 's/"x": 1/"x": 98765432109876543210/' -e 's/"max_retries": 3/"max_retries": 9/' "$1"`,
    )
    await terminal.sees('Type 1 to go ahead')
    expect(terminal.screen()).toContain('  - payload.url: "old"\n  + payload.url: "new"\n')
    terminal.types(`1${enter}`)
    expect(await terminal.ended).toMatchObject({ code: 0, screen: expect.stringContaining('edited 1 job') })
    expect(await stored()).toBe(
      '{"a.b": ".", "big": 12345678901234567890, "url": "new", "list": [{"x": 98765432109876543210}, 2], "token": "t0p"}',
    )
    expect([...(await world.sql`select max_retries from jobs`)]).toEqual([{ max_retries: 9 }])
    const shown = await readFile(join(folder, 'shown'), 'utf8')
    expect(shown).toContain('"token": "[redacted]"')
    expect(shown).toContain('12345678901234567890')
    expect(await readFile(join(folder, 'mode'), 'utf8')).toBe('600\n')
    expect(left()).toEqual([])
  })

  it.each([
    ['true', 0, 'the text is unchanged; nothing was changed'],
    [`sed -i '1s/^/\\xef\\xbb\\xbf/; s/$/\\r/' "$1"`, 0, 'the text has the same values; nothing was changed'],
    ['exit 3', 2, 'ended with code 3; nothing was changed'],
    [`sed -i 's/"t0p"\\|"\\[redacted\\]"/"x [redacted]"/' "$1"`, 2, 'stands for a masked value'],
    [`printf '%s' '{"payload": {"a": 1, "a": 2}}' > "$1"`, 2, 'has the key "payload.a" twice'],
    [`echo '{' > "$1"`, 2, 'is not a JSON object'],
    [`sed -i 's/"priority"/"status"/' "$1"`, 2, 'has "status", which no edit changes'],
  ])('changes nothing after %s', async (lines, code, text) => {
    const id = await job()
    const before = await stored()
    const { terminal, left } = await start([id], lines)
    await until('it asks or ends', () => /again\?|nothing was changed|masked value/.test(terminal.screen()))
    terminal.types(`n${enter}`)
    const { code: ended, screen } = await terminal.ended
    expect({ ended, screen }).toMatchObject({ ended: code, screen: expect.stringContaining(text) })
    expect(await stored()).toBe(before)
    expect(left()).toEqual([])
  })

  it('does not overwrite what somebody has changed meanwhile', async () => {
    const id = await job()
    const { terminal } = await start(
      [id],
      `sed -i 's/"old"/"new"/' "$1"; while [ ! -e '${folder}/go' ]; do sleep 0.1; done`,
    )
    await until('the editor is open', () => readdirSync(folder).includes('shown'))
    await world.sql`update jobs set payload = jsonb_set(payload, '{url}', '"theirs"')`
    await writeFile(join(folder, 'go'), '')
    const { code, screen } = await terminal.ended
    expect({ code, screen }).toMatchObject({ code: 6, screen: expect.stringContaining('has other values than --if') })
    expect(await stored()).toContain('"url": "theirs"')
  })

  it('deletes the file when it is ended while the editor is open', async () => {
    const id = await job()
    const { terminal, left } = await start([id], `kill -TERM $(ps -o ppid= -p $PPID); sleep 60`)
    expect((await terminal.ended).code).toBe(143)
    expect(left()).toEqual([])
  })

  it('opens no editor for a job that an edit leaves as it is', async () => {
    const id = await job('failed')
    const { terminal } = await start([id], 'true')
    expect(await terminal.ended).toMatchObject({ code: 6, screen: expect.stringContaining('--then retry') })
    expect(readdirSync(folder)).toEqual(['the editor'])
  })
})

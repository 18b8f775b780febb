import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { changes, ofEach, threeEach } from '../../support/changes/changes.ts'
import { proxyOf } from '../../support/fakes/proxy.ts'
import { enter, startAtTerminal } from '../../support/programs/terminal.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(['postgres'] as const)('the guard of every change on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await threeEach(world)
  })

  const affected = async () =>
    (await world.events()).map(({ domain, attrs_json }) => `${domain} ${attrs_json.affected}`).sort()
  const all = changes.map(({ domain }) => `${domain} 3`).sort()

  it('off a terminal previews on stderr, names the command to type, exits 3, and changes nothing', async () => {
    const before = await world.fingerprint()

    expect(await ofEach(({ argv }) => world.jobsctl(argv))).toEqual(
      await ofEach(({ argv, domain, would }) => ({
        code: 3,
        out: '',
        err: [
          `${would} 3 jobs in ${domain}`,
          'error: refusing to change anything without --yes',
          `  hint: jobsctl ${argv.join(' ')} --yes\n`,
        ].join('\n'),
      })),
    )
    expect(await world.fingerprint()).toBe(before)
  })

  it('with --yes changes what matches, says so in one sentence, and is silent when nothing is left', async () => {
    const run = () => ofEach(({ argv }) => world.jobsctl([...argv, '--yes', '--reason', 'nächtlich 📚']))

    expect(await run()).toEqual(
      await ofEach(({ did, domain }) => ({ code: 0, out: `${did} 3 jobs in ${domain}\n`, err: '' })),
    )
    expect(await affected()).toEqual(all)
    expect((await world.events()).map(({ attrs_json }) => attrs_json.reason)).toEqual(Array(4).fill('nächtlich 📚'))

    const before = await world.fingerprint()
    expect(await run()).toEqual(await ofEach(() => ({ code: 0, out: '', err: '' })))
    expect(await world.fingerprint()).toBe(before)
  })

  it('at a terminal goes ahead when the count is typed, and not before', async () => {
    const people = await ofEach(({ argv }) =>
      startAtTerminal(argv, { env: { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key } }),
    )
    for (const person of Object.values(people)) await person.sees('Type 3 to go ahead:')
    expect(await affected()).toEqual([])
    for (const person of Object.values(people)) person.types(`3${enter}`)

    expect(await ofEach(({ name }) => people[name]?.ended)).toMatchObject(
      await ofEach(({ did, domain }) => ({
        code: 0,
        screen: expect.stringContaining(`${did} 3 jobs in ${domain}`),
      })),
    )
    expect(await affected()).toEqual(all)
  })

  it('keeps to the preview: what comes to match in between is left alone', async () => {
    const changing: object[] = []
    const between = await proxyOf(world.url, async ({ path, headers, body }) => {
      if (headers['x-confirm'] !== undefined) return changing.push({ path, body })
      return world.jobs(1, changes.find((change) => change.path === path)?.wanted)
    })

    const runs = await ofEach(({ argv }) => world.jobsctl([...argv, '--yes'], { env: { JOBSCTL_URL: between.url } }))

    expect(runs).toEqual(await ofEach(({ did, domain }) => ({ code: 0, out: `${did} 3 jobs in ${domain}\n`, err: '' })))
    expect(changing).toHaveLength(4)
    const held = { preview_token: expect.any(String) }
    expect(changing).toEqual(
      expect.arrayContaining(changes.map(({ path }) => ({ path, body: expect.objectContaining(held) }))),
    )
    expect(JSON.stringify(changing)).not.toContain('"max"')
    expect(await affected()).toEqual(all)
  })

  it('changes nothing when more than --max match, and exits 8; exactly that many are fine', async () => {
    const before = await world.fingerprint()
    const runs = await Promise.all([
      ofEach(({ argv }) => world.jobsctl([...argv, '--yes', '--max', '2'])),
      world.jobsctl(['prune', '--all', '--yes'], { env: { JOBSCTL_MAX: '2' } }),
    ])

    const refused = {
      code: 8,
      out: '',
      err: 'error: 3 jobs match, above the limit of 2; nothing was changed\n  hint: narrow the scope, or raise --max\n',
    }
    expect(runs).toEqual([await ofEach(() => refused), refused])
    expect(await world.fingerprint()).toBe(before)

    const run = await world.jobsctl(['prune', '--domain', 'chatbooks', '--yes', '--max', '3'])
    expect(run).toMatchObject({ code: 0 })
  })
})

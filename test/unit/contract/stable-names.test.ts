import { expect, it } from 'vitest'
import { openApiDocument } from '../../../scripts/docs/openapi/document.ts'
import { readStableNames, stableNamesNow, stableNamesPath } from '../../../scripts/docs/stable/names.ts'
import { broken } from '../../../scripts/docs/stable/rules.ts'

const advice = `
Clients, scripts and other servers rely on these names (docs/deploy/stable.md). Keep each one: give a new field, column or code a name of
its own beside the old one, let a new field of a request be optional, and add columns of TSV at the end. Where the promise itself is to
change, take the lines out of ${stableNamesPath} by hand, and say so in CHANGELOG.md under Changed.`

it('nothing that is promised to stay has gone or changed', async () => {
  const now = await stableNamesNow(openApiDocument())
  expect(broken(await readStableNames(), now), advice).toEqual([])
})

it.each([
  ['a call', ['api GET /a'], [], true],
  ['a field that clients get', ['api GET /a', 'api GET /a < id integer always'], ['api GET /a'], true],
  ['a field that is no longer always there', ['api GET /a < id integer always'], ['api GET /a < id integer'], true],
  ['a field of another type', ['api GET /a < id integer'], ['api GET /a < id string'], true],
  [
    'a field that must be sent now',
    ['api GET /a', 'api GET /a > id integer optional'],
    ['api GET /a', 'api GET /a > id integer'],
    true,
  ],
  ['a new field that must be sent', ['api GET /a'], ['api GET /a', 'api GET /a > id integer'], true],
  [
    'an integer where a number was',
    ['api GET /a < id null|number always'],
    ['api GET /a < id null always', 'api GET /a < id integer always'],
    false,
  ],
  ['a number where an integer was', ['api GET /a < id integer always'], ['api GET /a < id number always'], true],
  ['a null that was none', ['api GET /a < at null|string always'], ['api GET /a < at string always'], true],
  ['a column in another place', ['tsv id name'], ['tsv name id'], true],
  ['a code with another exit code', ['error conflict 409 exit 6'], ['error conflict 409 exit 1'], true],
  [
    'a new field',
    ['api GET /a'],
    ['api GET /a', 'api GET /a < id integer always', 'api GET /a > x integer optional'],
    false,
  ],
  [
    'a new call with a field that must be sent',
    ['api GET /a'],
    ['api GET /a', 'api GET /b', 'api GET /b > x integer'],
    false,
  ],
  ['a field that may be left out now', ['api GET /a > x integer'], ['api GET /a > x integer optional'], false],
  ['a field that is always there now', ['api GET /a < x integer'], ['api GET /a < x integer always'], false],
  ['a new column at the end', ['tsv id name'], ['tsv id name at'], false],
])('%s', (_, committed, now, isBroken) => {
  expect(broken(committed, now).length > 0).toBe(isBroken)
})

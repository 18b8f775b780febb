import { readdir, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { patches } from '../../scripts/build/driver/patch-driver.ts'

it.each(patches.map(({ name }) => name))('%s has a reproduction', async (name) => {
  const files = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.test.ts'))
  const texts = await Promise.all(files.map((file) => readFile(`${import.meta.dirname}/${file}`, 'utf8')))
  expect(texts.some((text) => text.includes(`reproduces(\n  ${name},`))).toBe(true)
})
